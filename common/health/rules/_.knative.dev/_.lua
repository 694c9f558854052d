-- Knative: Service, Route, Configuration, Revision, Broker, Trigger and so on.
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
local seen = (obj.status or {}).observedGeneration
if seen ~= nil and obj.metadata ~= nil and seen ~= obj.metadata.generation then
  return { status = "Progressing", message = "its controller has not seen the newest generation" }
end

local ready = condition("Ready")
if ready == nil then
  return { status = "Progressing", message = "its controller has not seen it yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = ready.status == "False" and "Degraded" or "Progressing", message = say(ready, "it is not ready yet") }
