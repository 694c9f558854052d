-- Strimzi: Kafka, KafkaTopic, KafkaUser, KafkaConnect and so on. Not ready is said by NotReady=True.
local paused = condition("ReconciliationPaused")
if paused ~= nil and paused.status == "True" then
  return { status = "Suspended", message = say(paused, "its reconciliation is paused") }
end
if unseen() then return unseen() end
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
