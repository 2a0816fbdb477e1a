-- Returns m.
if not load(redis.call('HGET', key, 'm')) then return FOREIGN end
if not there then return GONE end
if held then return LOCKED end
accessed = now
return save()
