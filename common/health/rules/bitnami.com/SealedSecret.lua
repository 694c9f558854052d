-- Sealed Secrets: what cannot be unsealed never will be.
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
local synced = condition("Synced")
if synced == nil then
  return { status = "Progressing", message = "it is not unsealed yet" }
end
if synced.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = "Degraded", message = say(synced, "it cannot be unsealed") }
