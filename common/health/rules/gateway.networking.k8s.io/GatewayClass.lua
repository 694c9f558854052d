-- Gateway API: a class is accepted by its controller.
local accepted = condition("Accepted")
if accepted == nil or accepted.reason == "Waiting" or accepted.reason == "Pending" then
  return { status = "Progressing", message = "no controller has accepted it yet" }
end
if accepted.status == "True" then
  return { status = "Healthy", message = "" }
end
return { status = accepted.status == "False" and "Degraded" or "Progressing", message = say(accepted, "it is not accepted") }
