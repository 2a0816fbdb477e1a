-- ARGV[2]: the holder's fence. ARGV[3]: the channel. To unlock twice is to unlock
-- once, so that a holder who has heard nothing can ask again. Returns m.
--load
if not there or fence ~= tonumber(ARGV[2]) then return LOST end
if not held then
  if lease == 0 then return m end
  return LOST
end
if waited == 1 then
  local channel, lost = ARGV[3], 0
  --tell
end
local value
lease, waited, accessed = 0, 0, now
--save
return m
