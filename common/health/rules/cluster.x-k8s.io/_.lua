-- Cluster API: Cluster, Machine, MachineSet, MachineDeployment, MachinePool.
local status = obj.status or {}
if obj.spec ~= nil and obj.spec.paused == true then
  return { status = "Suspended", message = "its reconciliation is paused" }
end
if unseen() then return unseen() end
if status.failureMessage ~= nil or status.failureReason ~= nil then
  return { status = "Degraded", message = tostring(status.failureMessage or status.failureReason) }
end
if status.phase == "Failed" then
  return { status = "Degraded", message = "its phase is Failed" }
end
local ready = condition("Ready") or condition("Available")
if ready == nil then
  local done = { Provisioned = 1, Running = 1, ScaledUp = 1 }
  if done[status.phase] then
    return { status = "Healthy", message = "" }
  end
  return { status = "Progressing", message = "its phase is " .. tostring(status.phase or "not known yet") }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
local bad = ready.status == "False" and ready.severity == "Error"
return { status = bad and "Degraded" or "Progressing", message = say(ready, "it is not ready yet") }
