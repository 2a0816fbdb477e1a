-- ARGV[2]: the holder's fence. ARGV[3]: for how long from now. Returns m and the time now.
--load
if not held or fence ~= tonumber(ARGV[2]) then return LOST end
local value
lease = now + ARGV[3]
--save
return {m, now}
