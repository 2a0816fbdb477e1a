-- ARGV[2]: the fence of the holder who reads, or empty. ARGV[3]: 1 if it is an
-- access. Returns m and v.
--load
if ARGV[2] ~= '' then
  if not held or fence ~= tonumber(ARGV[2]) then return LOST end
elseif not there then
  return GONE
elseif held then
  return LOCKED
end
if ARGV[3] == '1' then
  local value
  accesses, accessed = accesses + 1, now
  --save
end
return {m, redis.call('HGET', key, 'v')}
