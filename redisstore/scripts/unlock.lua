-- ARGV[2]: the holder's fence. ARGV[3]: the channel. To unlock twice is to unlock
-- once, so that a holder who has heard nothing can ask again. Returns m.
local m = redis.call('HGET', key, 'm')
if not load(m) then return FOREIGN end
if not there or fence ~= tonumber(ARGV[2]) then return LOST end
if not held then
  if lease == 0 then return m end
  return LOST
end
if waited == 1 then tell(ARGV[3], 0) end
lease, waited, accessed = 0, 0, now
return save()
