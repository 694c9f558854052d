-- Gateway API: a class is accepted by its controller.
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
local accepted = condition("Accepted")
if accepted == nil or accepted.reason == "Waiting" or accepted.reason == "Pending" then
  return { status = "Progressing", message = "no controller has accepted it yet" }
end
if accepted.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = accepted.status == "False" and "Degraded" or "Progressing", message = say(accepted, "it is not accepted") }
