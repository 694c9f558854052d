-- Crossplane: CompositeResourceDefinition; a Composition has no status.
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
