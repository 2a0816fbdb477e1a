-- Those who wait for the lock are woken: 0, or the fence of who has lost it, and the
-- key. Where the user may not publish, they wait for the end of the lease's time.
redis.pcall('PUBLISH', channel, string.format('%.0f ', lost) .. key)
