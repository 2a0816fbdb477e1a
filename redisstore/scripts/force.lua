-- ARGV[2]: the channel. Returns 1 if there was a lease to take away.
if not load(redis.call('HGET', key, 'm')) then return FOREIGN end
if not held then return 0 end
lease, waited, accessed = 1, 0, now
save()
tell(ARGV[2], fence)
return 1
