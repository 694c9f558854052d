-- Gateway API: HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute. Every parent has to take the route.
local parents = (obj.status or {}).parents or {}
if #parents == 0 then
  return { status = "Progressing", message = "no gateway has taken it yet" }
end
local waits
for _, parent in ipairs(parents) do
  local name = "gateway " .. tostring((parent.parentRef or {}).name) .. ": "
  local accepted = false
  for _, one in ipairs(parent.conditions or {}) do
    if one.observedGeneration ~= nil and obj.metadata ~= nil and one.observedGeneration ~= obj.metadata.generation then
      waits = waits or name .. "it has not seen the newest generation"
    elseif (one.type == "Accepted" or one.type == "ResolvedRefs") and one.status == "False" then
      if one.reason ~= "Pending" then
        return { status = "Degraded", message = name .. say(one, one.type .. " is False") }
      end
      waits = waits or name .. say(one, "pending")
    elseif one.type == "Accepted" and one.status == "True" then
      accepted = true
    end
  end
  if not accepted then waits = waits or name .. "it has not accepted the route yet" end
end
if waits ~= nil then
  return { status = "Progressing", message = waits }
end
return { status = "Healthy", message = "" }
