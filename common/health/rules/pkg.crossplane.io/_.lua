-- Crossplane: Provider, Configuration, Function and their revisions.
local installed, healthy = condition("Installed"), condition("Healthy")
if installed ~= nil and installed.status == "False" then
  local unpacking = installed.reason == "UnpackingPackage"
  return { status = unpacking and "Progressing" or "Degraded", message = say(installed, "it is not installed") }
end
if healthy == nil then
  local static = obj.kind == "DeploymentRuntimeConfig" or obj.kind == "ImageConfig" or obj.kind == "ControllerConfig"
  if static then
    return { status = "Healthy", message = "" }
  end
  return { status = "Progressing", message = say(installed, "it is not installed yet") }
end
if healthy.status == "True" then
  return { status = "Healthy", message = "" }
end
local bad = healthy.status == "False"
return { status = bad and "Degraded" or "Progressing", message = say(healthy, "its package is not healthy") }
