-- Crossplane: managed resources, of community providers and of Upbound's (CMakeLists.txt).
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
