-- Every script begins so. An entry is a hash of two fields: v, the value as the
-- codec made it, and m, ten numbers packed as big-endian doubles, times and
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
-- agree. There are no functions here: to make one costs as much as a command.
local GONE, LOCKED, LOST, CONFLICT, FOREIGN = -1, -2, -3, -4, -5
local key, idle = KEYS[1], tonumber(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local there, held = false, false -- the entry lives; it has a holder
local mortal = false -- the key may have an expiry
local m = redis.call('HGET', key, 'm')
if not m and redis.call('EXISTS', key) == 1 or m and #m ~= 80 then return FOREIGN end
local revision, created, updated, accessed, accesses, ttl, expires, fence, lease, waited =
  struct.unpack('>dddddddddd', m or string.rep('\0', 80))
if m then
  mortal = revision == 0 or expires > 0 or idle > 0
  local locked = lease > now
  if lease > 1 and not locked then -- it has lapsed, which counts as an access
    if lease > accessed then accessed = lease end
    lease = 1
  end
  there = revision > 0 and (expires == 0 or now < expires)
    and (locked or idle == 0 or now < math.ceil((accessed + idle) / 1000) * 1000)
  held = there and locked
end
