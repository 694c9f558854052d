-- RabbitMQ's operator.
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
local reconciled, replicas, available = condition("ReconcileSuccess"), condition("AllReplicasReady"), condition("ClusterAvailable")
if reconciled ~= nil and reconciled.status == "False" then
  return { status = "Degraded", message = say(reconciled, "it cannot be brought to its spec") }
end
for _, one in ipairs({ available or {}, replicas or {} }) do
  if one.status ~= "True" then
    return { status = "Progressing", message = say(one, "its nodes are not ready yet") }
  end
end
return { status = "Healthy", message = "" }
