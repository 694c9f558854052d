-- Argo CD: an ApplicationSet makes applications, or cannot.
local failed, updated = condition("ErrorOccurred"), condition("ResourcesUpToDate")
if failed ~= nil and failed.status == "True" then
  return { status = "Degraded", message = say(failed, "its applications cannot be made") }
end
if updated == nil or updated.status ~= "True" then
  return { status = "Progressing", message = say(updated, "its applications are not made yet") }
end
return { status = "Healthy", message = "" }
