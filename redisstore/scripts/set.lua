-- ARGV[2]: the value. ARGV[3]: its TTL, and ARGV[4]: 1 if a live entry keeps its own.
-- ARGV[5]: what must hold: any, absent, revision (in ARGV[6], 0 for none), same
-- (revision in ARGV[6] and created in ARGV[7]) or lease (fence in ARGV[6]).
-- Returns m; for same that is not, m and v of the entry there is now.
if not load(redis.call('HGET', key, 'm')) then return FOREIGN end
local must = ARGV[5]
if must == 'lease' then
  if not held or fence ~= tonumber(ARGV[6]) then return LOST end
elseif held then
  return LOCKED
elseif must == 'absent' then
  if there then return CONFLICT end
elseif must == 'revision' then
  if (there and revision or 0) ~= tonumber(ARGV[6]) then return CONFLICT end
elseif must == 'same' then
  if (there and revision or 0) ~= tonumber(ARGV[6]) or (there and created or 0) ~= tonumber(ARGV[7]) then
    if not there then return GONE end
    return redis.call('HMGET', key, 'm', 'v')
  end
end
if there then
  revision = revision + 1
  if ARGV[4] ~= '1' then ttl = tonumber(ARGV[3]) end
else
  revision, created, accesses, ttl, waited = 1, now, 0, tonumber(ARGV[3]), 0
  lease = fence == 0 and 0 or 1 -- whoever had the lease of an entry before has lost it
end
updated, accessed = now, now
expires = ttl > 0 and math.ceil((now + ttl) / 1000) * 1000 or 0
return save(ARGV[2])
