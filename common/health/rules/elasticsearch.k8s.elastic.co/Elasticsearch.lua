-- Elastic's operator: the colour of the cluster.
local status = obj.status or {}
if status.phase == "Invalid" then
  return { status = "Degraded", message = "its spec is invalid; its events say why" }
end
if status.health == "red" then
  return { status = "Degraded", message = "the cluster is red: data is not available" }
end
if status.phase ~= "Ready" or status.health == "unknown" or status.health == nil then
  return { status = "Progressing", message = "its phase is " .. tostring(status.phase or "not known yet") }
end
if status.health == "yellow" then
  return { status = "Progressing", message = "the cluster is yellow: replicas are missing" }
end
return { status = "Healthy", message = "" }
