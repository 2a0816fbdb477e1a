-- ARGV[2]: m and ARGV[3]: v of an entry from elsewhere. ARGV[4]: 1 if it may replace
-- another one. Returns m, or 0 if it is there already.
local h = redis.call('HMGET', key, 'm', 'v')
if not load(h[1]) then return FOREIGN end
local new = {struct.unpack('>dddddddddd', ARGV[2])}
if there then
  -- A local store tells times of day by two clocks, which drift apart.
  local same = revision == new[1] and math.abs(created - new[2]) < 1000000
    and math.abs(updated - new[3]) < 1000000
  if same and (ARGV[4] ~= '1' or h[2] == ARGV[3]) then return 0 end
  if held then return LOCKED end
  if ARGV[4] ~= '1' then return CONFLICT end
end
local before = fence
load(ARGV[2])
if not there then return GONE end
mortal = true -- as what was there before may have been
fence = math.max(fence, before) -- a holder with another one has lost it
return save(ARGV[3])
