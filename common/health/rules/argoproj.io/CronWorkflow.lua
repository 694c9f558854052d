-- Argo Workflows: a schedule is healthy unless it cannot submit.
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
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "no runs are scheduled" }
end
for _, kind in ipairs({ "SpecError", "SubmissionError" }) do
  local one = condition(kind)
  if one ~= nil and one.status == "True" then
    return { status = "Degraded", message = say(one, kind) }
  end
end
return { status = "Healthy", message = "" }
