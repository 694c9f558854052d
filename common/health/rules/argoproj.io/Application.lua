-- Argo CD: an application has a health of its own.
local health = (obj.status or {}).health
local words = { Healthy = 1, Degraded = 1, Progressing = 1, Suspended = 1, Missing = 1, Unknown = 1 }
local invalid
for _, one in ipairs((obj.status or {}).conditions or {}) do
  if one.type == "InvalidSpecError" or one.type == "ComparisonError" then invalid = invalid or one.message or one.type end
end
if health == nil or words[health.status] == nil then
  if invalid ~= nil then
    return { status = "Degraded", message = invalid }
  end
  return { status = "Progressing", message = "Argo CD has not looked at it yet" }
end
return { status = health.status, message = health.message or invalid or "" }
