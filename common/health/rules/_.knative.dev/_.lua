-- Knative: Service, Route, Configuration, Revision, Broker, Trigger and so on.
if unseen() then return unseen() end
local ready = condition("Ready")
if ready == nil then
  return { status = "Progressing", message = "its controller has not seen it yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = ready.status == "False" and "Degraded" or "Progressing", message = say(ready, "it is not ready yet") }
