-- ARGV[2]: the holder's fence. Returns m and the time now.
local m = redis.call('HGET', key, 'm')
if not load(m) then return FOREIGN end
if not there then return GONE end
if not held or fence ~= tonumber(ARGV[2]) then return LOST end
return {m, now}
