-- cert-manager: a request ends, well or not.
local ready, denied, invalid = condition("Ready"), condition("Denied"), condition("InvalidRequest")
if denied ~= nil and denied.status == "True" then
  return { status = "Degraded", message = say(denied, "it was denied") }
end
if invalid ~= nil and invalid.status == "True" then
  return { status = "Degraded", message = say(invalid, "it is invalid") }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = "" }
end
if ready ~= nil and (ready.reason == "Failed" or ready.reason == "Denied") then
  return { status = "Degraded", message = say(ready, "it failed") }
end
return { status = "Progressing", message = say(ready, "it waits to be approved and signed") }
