-- CloudNativePG: the operator describes the phase in a sentence.
local status, ready = obj.status or {}, condition("Ready")
local annotations = (obj.metadata or {}).annotations or {}
if annotations["cnpg.io/hibernation"] == "on" then
  return { status = "Suspended", message = "it hibernates" }
end
local phase = status.phase or ""
local text = status.phaseReason
text = (text ~= nil and text ~= "") and phase .. ": " .. text or phase
if phase == "Cluster in healthy state" and (ready == nil or ready.status == "True") then
  return { status = "Healthy", message = "" }
end
for _, word in ipairs({ "unrecoverable", "Not enough disk space", "Unable to create", "failed", "Failed", "invalid" }) do
  if string.find(phase, word, 1, true) then
    return { status = "Degraded", message = text }
  end
end
if phase == "" then
  return { status = "Progressing", message = say(ready, "its operator has not seen it yet") }
end
if phase == "Cluster in healthy state" then text = say(ready, text) end
return { status = "Progressing", message = text }
