-- ARGV[2]: the value. ARGV[3]: its TTL. ARGV[4]: what must hold, if anything: absent,
-- revision (in ARGV[5], 0 for none), same (revision in ARGV[5] and created in
-- ARGV[6]) or lease (fence in ARGV[5]). With revision, same, and an empty ARGV[3] a
-- live entry keeps its own TTL. Returns m; for same that is not, m and v of the entry
-- there is now.
--load
local value, must = ARGV[2], ARGV[4]
if must == 'lease' then
  if not held or fence ~= tonumber(ARGV[5]) then return LOST end
elseif held then
  return LOCKED
elseif must == 'absent' then
  if there then return CONFLICT end
elseif must == 'revision' then
  if (there and revision or 0) ~= tonumber(ARGV[5]) then return CONFLICT end
elseif must == 'same' then
  if (there and revision or 0) ~= tonumber(ARGV[5]) or (there and created or 0) ~= tonumber(ARGV[6]) then
    if not there then return GONE end
    return {m, redis.call('HGET', key, 'v')}
  end
end
if there then
  revision = revision + 1
  if must ~= 'revision' and must ~= 'same' and ARGV[3] ~= '' then ttl = tonumber(ARGV[3]) end
else
  revision, created, accesses, ttl, waited = 1, now, 0, tonumber(ARGV[3]), 0
  lease = fence == 0 and 0 or 1 -- whoever had the lease of an entry before has lost it
end
updated, accessed = now, now
expires = ttl > 0 and math.ceil((now + ttl) / 1000) * 1000 or 0
--save
return m
