-- ARGV[2]: the holder's fence. Returns m and the time now.
--load
if not there then return GONE end
if not held or fence ~= tonumber(ARGV[2]) then return LOST end
return {m, now}
