-- cert-manager: Issuer and ClusterIssuer.
local ready = condition("Ready")
if ready == nil then
  return { status = "Progressing", message = "it is not set up yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = ready.status == "False" and "Degraded" or "Progressing", message = say(ready, "it is not ready") }
