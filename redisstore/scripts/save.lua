-- The entry is written, with a value if there is one. Without a holder the idle
-- timeout runs from the last access, else from the end of the lease.
m = struct.pack('>dddddddddd', revision, created, updated, accessed, accesses,
  ttl, expires, fence, lease, waited)
if value then
  redis.call('HSET', key, 'm', m, 'v', value)
else
  redis.call('HSET', key, 'm', m)
end
if value or idle > 0 then -- else it dies when it would have
  local dies = expires
  if idle > 0 then
    local idles = math.ceil((math.max(accessed, lease) + idle) / 1000) * 1000
    if dies == 0 or idles < dies then dies = idles end
  end
  if dies > 0 then -- Lua's own way to print large numbers loses digits
    redis.call('PEXPIREAT', key, string.format('%.0f', dies / 1000 - 1)) -- the last one it is there
  elseif mortal then
    redis.call('PERSIST', key)
  end
end
