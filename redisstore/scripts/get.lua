-- ARGV[2]: the fence of the holder who reads, or empty. ARGV[3]: 1 if it is an
-- access. Returns m and v.
local h = redis.call('HMGET', key, 'm', 'v')
if not load(h[1]) then return FOREIGN end
if ARGV[2] ~= '' then
  if not held or fence ~= tonumber(ARGV[2]) then return LOST end
elseif not there then
  return GONE
elseif held then
  return LOCKED
end
if ARGV[3] ~= '1' then return h end
accesses, accessed = accesses + 1, now
return {save(), h[2]}
