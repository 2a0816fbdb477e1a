-- ARGV[2]: v and ARGV[3]: m of an entry from elsewhere. ARGV[4]: 1 if it may replace
-- another one. Returns m, or 0 if it is there already.
--load
local value = ARGV[2]
local new = {struct.unpack('>dddddddddd', ARGV[3])}
if there then
  -- A local store tells times of day by two clocks, which drift apart.
  local same = revision == new[1] and math.abs(created - new[2]) < 1000000
    and math.abs(updated - new[3]) < 1000000
  if same and (ARGV[4] ~= '1' or redis.call('HGET', key, 'v') == value) then return 0 end
  if held then return LOCKED end
  if ARGV[4] ~= '1' then return CONFLICT end
end
local before = fence
revision, created, updated, accessed, accesses, ttl, expires, fence, lease, waited = unpack(new, 1, 10)
if lease > 1 and lease <= now then
  accessed, lease = math.max(accessed, lease), 1
end
if expires > 0 and expires <= now or lease <= now and idle > 0 and accessed + idle <= now then
  return GONE -- its time has come
end
fence = math.max(fence, before) -- a holder with another one has lost it
--save
return m
