-- ARGV[2]: the holder's fence. ARGV[3]: for how long from now. Returns m and the time now.
if not load(redis.call('HGET', key, 'm')) then return FOREIGN end
if not held or fence ~= tonumber(ARGV[2]) then return LOST end
lease = now + ARGV[3]
return {save(), now}
