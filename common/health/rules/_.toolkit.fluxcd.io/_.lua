-- Flux: all kinds of its controllers. Ready=False is a failure, unless it waits for something.
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "it is suspended" }
end
if unseen() then return unseen() end
local ready, stalled, reconciling = condition("Ready"), condition("Stalled"), condition("Reconciling")
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = say(stalled, "it is stalled") }
end
local waits = { Progressing = 1, ProgressingWithRetry = 1, DependencyNotReady = 1, ArtifactFailed = 1, SourceNotReady = 1 }
if ready == nil then
  -- Alerts, providers and repositories of type oci have no status; the others get one when they are seen.
  local static = obj.kind == "Alert" or obj.kind == "Provider" or (obj.spec or {}).type == "oci"
  if static and reconciling == nil then
    return { status = "Healthy", message = "" }
  end
  return { status = "Progressing", message = say(reconciling, "its controller has not seen it yet") }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
if ready.status == "False" and waits[ready.reason] == nil then
  return { status = "Degraded", message = say(ready, "it is not ready") }
end
return { status = "Progressing", message = say(ready, "it is not ready yet") }
