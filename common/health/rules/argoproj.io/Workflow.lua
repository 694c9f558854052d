-- Argo Workflows: a workflow runs once and ends.
local words = {
  Pending = "Progressing", Running = "Progressing", Succeeded = "Healthy", Failed = "Degraded", Error = "Degraded",
}
local status = obj.status or {}
if obj.spec ~= nil and obj.spec.suspend == true and words[status.phase] == "Progressing" then
  return { status = "Suspended", message = "the workflow is suspended" }
end
if words[status.phase] == nil then
  return { status = "Progressing", message = "the workflow has not started yet" }
end
return { status = words[status.phase], message = status.message or "" }
