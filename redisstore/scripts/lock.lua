-- ARGV[2]: how long. ARGV[3]: 1 to be told when a lock that is held ends. Returns m
-- and the time now, or how long it is held by another at most.
--load
if not there then return GONE end
local value
if held then
  if ARGV[3] == '1' and waited == 0 then
    waited = 1
    --save
  end
  local ends = lease
  if expires > 0 and expires < lease then ends = expires end
  return ends - now
end
fence = math.max(fence + 1, now)
lease = now + ARGV[2]
--save
return {m, now}
