-- KEDA: ScaledObject and ScaledJob; a TriggerAuthentication has no conditions.
if obj.kind ~= "ScaledObject" and obj.kind ~= "ScaledJob" then
  return { status = "Healthy", message = "" }
end
local ready, paused = condition("Ready"), condition("Paused")
if paused ~= nil and paused.status == "True" then
  return { status = "Suspended", message = say(paused, "scaling is paused") }
end
if ready == nil or ready.status == "Unknown" then
  return { status = "Progressing", message = say(ready, "its operator has not seen it yet") }
end
if ready.status ~= "True" then
  return { status = "Degraded", message = say(ready, "it is not ready") }
end
local fallback = condition("Fallback")
if fallback ~= nil and fallback.status == "True" then
  return { status = "Degraded", message = say(fallback, "its triggers fail; it uses the fallback") }
end
return { status = "Healthy", message = "" }
