-- Prometheus operator: Prometheus, Alertmanager, ThanosRuler; monitors and rules have no status.
if obj.spec ~= nil and obj.spec.paused == true then
  return { status = "Suspended", message = "it is paused" }
end
local reconciled, available = condition("Reconciled"), condition("Available")
if reconciled ~= nil and reconciled.status == "False" then
  return { status = "Degraded", message = say(reconciled, "it cannot be brought to its spec") }
end
if available == nil then
  local runs = obj.kind == "Prometheus" or obj.kind == "Alertmanager" or obj.kind == "ThanosRuler" or obj.kind == "PrometheusAgent"
  if runs then
    return { status = "Progressing", message = "its operator has not seen it yet" }
  end
  return { status = "Healthy", message = "" }
end
if available.status == "True" then
  return { status = "Healthy", message = "" }
end
if available.reason == "SomePodsNotReady" or available.status == "Unknown" then
  return { status = "Progressing", message = say(available, "some of its pods are not ready") }
end
return { status = "Degraded", message = say(available, "it is not available") }
