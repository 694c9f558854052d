-- cert-manager: Issuer and ClusterIssuer.
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
local ready = condition("Ready")
if ready == nil then
  return { status = "Progressing", message = "it is not set up yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = ready.status == "False" and "Degraded" or "Progressing", message = say(ready, "it is not ready") }
