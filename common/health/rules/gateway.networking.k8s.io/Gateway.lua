-- Gateway API: accepted by its class, then programmed; what a listener lacks is named.
for _, listener in ipairs((obj.status or {}).listeners or {}) do
  for _, one in ipairs(listener.conditions or {}) do
    local bad = (one.type == "Accepted" or one.type == "ResolvedRefs") and one.status == "False"
      or one.type == "Conflicted" and one.status == "True"
    if bad then
      return { status = "Degraded", message = "listener " .. tostring(listener.name) .. ": " .. say(one, one.type) }
    end
  end
end
local accepted, programmed = condition("Accepted"), condition("Programmed")
if accepted ~= nil and accepted.status == "False" then
  return { status = "Degraded", message = say(accepted, "it is not accepted") }
end
if programmed == nil or programmed.reason == "Pending" then
  return { status = "Progressing", message = say(programmed, "no controller has programmed it yet") }
end
if programmed.observedGeneration ~= nil and obj.metadata ~= nil and programmed.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "its controller has not seen the newest generation" }
end
if programmed.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = programmed.status == "False" and "Degraded" or "Progressing", message = say(programmed, "it is not programmed") }
