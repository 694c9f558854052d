-- Argo Workflows: a schedule is healthy unless it cannot submit.
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "no runs are scheduled" }
end
for _, kind in ipairs({ "SpecError", "SubmissionError" }) do
  local one = condition(kind)
  if one ~= nil and one.status == "True" then
    return { status = "Degraded", message = say(one, kind) }
  end
end
return { status = "Healthy", message = "" }
