-- Crossplane: CompositeResourceDefinition; a Composition has no status.
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
local established, offered = condition("Established"), condition("Offered")
if established == nil then
  if obj.kind ~= "CompositeResourceDefinition" then
    return { status = "Healthy", message = "" }
  end
  return { status = "Progressing", message = "its kind is not served yet" }
end
if established.status ~= "True" then
  return { status = "Progressing", message = say(established, "its kind is not served yet") }
end
if offered ~= nil and offered.status == "False" then
  return { status = "Progressing", message = say(offered, "its claim's kind is not served yet") }
end
return { status = "Healthy", message = "" }
