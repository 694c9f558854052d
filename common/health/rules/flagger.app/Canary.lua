-- Flagger: a canary is promoted, or rolled back.
local status = obj.status or {}
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "it is suspended" }
end
local words = { Initialized = "Healthy", Succeeded = "Healthy", Failed = "Degraded", Terminated = "Degraded" }
if status.phase == nil then
  return { status = "Progressing", message = "Flagger has not seen it yet" }
end
local health = words[status.phase] or "Progressing"
if health == "Healthy" then
  return { status = health, message = "" }
end
return { status = health, message = say(condition("Promoted"), "its phase is " .. status.phase) }
