-- Returns m and the time now, whether it is locked or not; no access.
local m = redis.call('HGET', key, 'm')
if not load(m) then return FOREIGN end
if not there then return GONE end
return {m, now}
