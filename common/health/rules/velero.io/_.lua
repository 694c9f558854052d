-- Velero: backups and restores end; schedules and locations stay.
local status = obj.status or {}
local words = {
  Completed = "Healthy", Processed = "Healthy", Available = "Healthy", Enabled = "Healthy", Ready = "Healthy",
  Failed = "Degraded", PartiallyFailed = "Degraded", FailedValidation = "Degraded", Unavailable = "Degraded",
  FinalizingPartiallyFailed = "Progressing", WaitingForPluginOperationsPartiallyFailed = "Progressing",
}
if obj.spec ~= nil and obj.spec.paused == true then
  return { status = "Suspended", message = "it is paused" }
end
local phase = status.phase
if phase == nil or phase == "" then
  return { status = "Progressing", message = "Velero has not seen it yet" }
end
local message = status.failureReason or status.message or ""
if message == "" and status.validationErrors ~= nil then
  message = table.concat(status.validationErrors, "; ")
end
local health = words[phase] or "Progressing"
if message == "" and health ~= "Healthy" then
  message = "its phase is " .. phase
  if (status.errors or 0) > 0 then message = message .. ", with " .. status.errors .. " errors" end
end
return { status = health, message = message }
