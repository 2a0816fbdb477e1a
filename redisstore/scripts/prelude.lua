-- Every script begins with this. An entry is a hash of two fields: v, the value as
-- the codec made it, and m, ten numbers packed as big-endian doubles, times and
-- durations in microseconds (less than 2^53, so all are exact):
--
--   revision created updated accessed accesses ttl expires fence lease waited
--
-- revision 0: there is no entry, only its fence. ttl, expires 0: for ever.
-- lease: until when it is locked; 0: its last holder has unlocked it, or it never
-- had one; 1: the lock was taken away or has lapsed. waited 1: tell the channel when
-- the lock ends.
--
-- ARGV[1] is the idle timeout, 0 for none. The server's clock alone decides. The
-- server expires keys by the millisecond, so entries die at whole ones: then both
-- agree.
local GONE, LOCKED, LOST, CONFLICT, FOREIGN = -1, -2, -3, -4, -5
local key, idle = KEYS[1], tonumber(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local revision, created, updated, accessed, accesses, ttl, expires, fence, lease, waited
local there, held = false, false
local mortal = false -- the key may have an expiry

-- load takes m apart and finds out whether the entry lives (there) and has a
-- holder (held). It returns false for what is no entry.
local function load(m)
  if not m then
    fence, lease, waited = 0, 0, 0
    return redis.call('EXISTS', key) == 0
  end
  if #m ~= 80 then return false end
  revision, created, updated, accessed, accesses, ttl, expires, fence, lease, waited =
    struct.unpack('>dddddddddd', m)
  mortal = revision == 0 or expires > 0 or idle > 0
  local locked = lease > now
  if lease > 1 and not locked then -- it has lapsed, which counts as an access
    if lease > accessed then accessed = lease end
    lease = 1
  end
  there = revision > 0 and (expires == 0 or now < expires)
    and (locked or idle == 0 or now < math.ceil((accessed + idle) / 1000) * 1000)
  held = there and locked
  return true
end

-- save writes the entry, with a value if one is given, and returns m. Without a
-- holder the idle timeout runs from the last access, else from the lease's end.
local function save(value)
  local m = struct.pack('>dddddddddd', revision, created, updated, accessed, accesses,
    ttl, expires, fence, lease, waited)
  if value then
    redis.call('HSET', key, 'm', m, 'v', value)
  else
    redis.call('HSET', key, 'm', m)
    if idle == 0 then return m end -- it dies when it would have
  end
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
  return m
end
