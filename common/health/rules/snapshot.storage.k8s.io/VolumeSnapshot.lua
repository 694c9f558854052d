-- Snapshots of volumes.
local status = obj.status or {}
if status.error ~= nil then
  return { status = "Degraded", message = tostring(status.error.message or "the snapshot failed") }
end
if status.readyToUse == true then
  return { status = "Healthy", message = "" }
end
return { status = "Progressing", message = "the snapshot is not ready to be used yet" }
