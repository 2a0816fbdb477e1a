-- ARGV[2]: the fence of the holder who deletes, or empty. ARGV[3]: the channel.
--load
if ARGV[2] ~= '' then
  if not held or fence ~= tonumber(ARGV[2]) then return LOST end
elseif not there then
  return 0
elseif held then
  return LOCKED
end
redis.call('UNLINK', key)
if fence >= now then
  -- The clock was set back. The fence must stay until the time has passed it.
  redis.call('HSET', key, 'm', struct.pack('>dddddddddd', 0, 0, 0, 0, 0, 0, 0, fence, 1, 0))
  redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(fence / 1000) + 1))
end
if waited == 1 then
  local channel, lost = ARGV[3], 0
  --tell
end
return 1
