-- Flagger: a canary is promoted, or rolled back.
local function condition(kind)
  for _, one in ipairs((obj.status or {}).conditions or {}) do
    if one.type == kind then return one end
  end
end
local function say(one, otherwise)
  if one == nil then return otherwise end
  if one.message == nil or one.message == "" then return one.reason or otherwise end
  return one.reason and one.reason ~= "" and one.reason .. ": " .. one.message or one.message
end
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
