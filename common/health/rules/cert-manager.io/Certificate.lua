-- cert-manager: a certificate is issued anew before the old one ends; only a failed issuance is bad.
local ready, issuing = condition("Ready"), condition("Issuing")
if issuing ~= nil and issuing.status == "True" then
  return { status = "Progressing", message = say(issuing, "it is being issued") }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = "" }
end
if issuing ~= nil and issuing.status == "False" and issuing.reason == "Failed" then
  return { status = "Degraded", message = say(issuing, "it cannot be issued") }
end
return { status = "Progressing", message = say(ready, "it is not issued yet") }
