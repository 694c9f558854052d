-- RabbitMQ's operator.
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
