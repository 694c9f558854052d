-- Argo CD: an ApplicationSet makes applications, or cannot.
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
local failed, updated = condition("ErrorOccurred"), condition("ResourcesUpToDate")
if failed ~= nil and failed.status == "True" then
  return { status = "Degraded", message = say(failed, "its applications cannot be made") }
end
if updated == nil or updated.status ~= "True" then
  return { status = "Progressing", message = say(updated, "its applications are not made yet") }
end
return { status = "Healthy", message = "" }
