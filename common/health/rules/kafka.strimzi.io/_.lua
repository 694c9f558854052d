-- Strimzi: Kafka, KafkaTopic, KafkaUser, KafkaConnect and so on. Not ready is said by NotReady=True.
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
local paused = condition("ReconciliationPaused")
if paused ~= nil and paused.status == "True" then
  return { status = "Suspended", message = say(paused, "its reconciliation is paused") }
end
local seen = (obj.status or {}).observedGeneration
if seen ~= nil and obj.metadata ~= nil and seen ~= obj.metadata.generation then
  return { status = "Progressing", message = "its controller has not seen the newest generation" }
end

local bad, ready = condition("NotReady"), condition("Ready")
if bad ~= nil and bad.status == "True" then
  local making = bad.reason == "Creating"
  return { status = making and "Progressing" or "Degraded", message = say(bad, "it is not ready") }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = "" }
end
if obj.status == nil or ready ~= nil then
  return { status = "Progressing", message = say(ready, "its operator has not seen it yet") }
end
return { status = "Healthy", message = "" }
