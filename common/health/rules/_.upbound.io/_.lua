-- Crossplane: managed resources, of Upbound's providers.
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
local synced, ready = condition("Synced"), condition("Ready")
if synced ~= nil and synced.status == "False" then
  return { status = "Degraded", message = say(synced, "it cannot be brought to its spec") }
end
local failed = condition("LastAsyncOperation")
if failed ~= nil and failed.status == "False" then
  return { status = "Degraded", message = say(failed, "its last operation failed") }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = "" }
end
if ready == nil and synced == nil then
  if obj.kind ~= nil and string.find(obj.kind, "ProviderConfig", 1, true) then
    return { status = "Healthy", message = "" }
  end
  return { status = "Progressing", message = "its provider has not seen it yet" }
end
return { status = "Progressing", message = say(ready, "it is not ready yet") }
