-- External Secrets: secrets, stores and their cluster-wide kinds.
local ready = condition("Ready")
if ready == nil then
  local partly = condition("PartiallyReady")
  return { status = partly and "Degraded" or "Progressing", message = say(partly, "it is not synced yet") }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = ready.status == "False" and "Degraded" or "Progressing", message = say(ready, "it is not ready") }
