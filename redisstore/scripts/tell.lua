
-- tell wakes those who wait for the lock: 0, or the fence of who has lost it, and
-- the key. Where the user may not publish, they wait for the end of the lease's time.
local function tell(channel, lost)
  redis.pcall('PUBLISH', channel, string.format('%.0f ', lost) .. key)
end
