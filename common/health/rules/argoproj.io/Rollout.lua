-- Argo Rollouts: the controller says it in one word.
local status = obj.status or {}
local generation = (obj.metadata or {}).generation
if status.observedGeneration ~= nil and generation ~= nil and tostring(status.observedGeneration) ~= tostring(generation) then
  return { status = "Progressing", message = "its controller has not seen the newest generation" }
end
if obj.spec ~= nil and obj.spec.paused == true then
  return { status = "Suspended", message = "the rollout is paused" }
end
local words = { Healthy = "Healthy", Degraded = "Degraded", Progressing = "Progressing", Paused = "Suspended" }
if words[status.phase] == nil then
  return { status = "Progressing", message = "the rollout has not started yet" }
end
return { status = words[status.phase], message = status.message or "" }
