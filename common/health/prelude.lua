-- What the shipped rules share; it stands before each of them.
local function condition(kind)
  for _, one in ipairs((obj.status or {}).conditions or {}) do
    if one.type == kind then return one end
  end
end
-- What a condition says, for people.
local function say(one, otherwise)
  if one == nil then return otherwise end
  if one.message == nil or one.message == "" then return one.reason or otherwise end
  return one.reason and one.reason ~= "" and one.reason .. ": " .. one.message or one.message
end
-- The answer where the status is of an older generation, else nil.
local function unseen()
  local seen = (obj.status or {}).observedGeneration
  if seen == nil or obj.metadata == nil or seen == obj.metadata.generation then return nil end
  return { status = "Progressing", message = "its controller has not seen the newest generation" }
end
