-- Sealed Secrets: what cannot be unsealed never will be.
local synced = condition("Synced")
if synced == nil then
  return { status = "Progressing", message = "it is not unsealed yet" }
end
if synced.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = "Degraded", message = say(synced, "it cannot be unsealed") }
