-- ARGV[2]: the channel. Returns 1 if there was a lease to take away.
--load
if not held then return 0 end
local value
lease, waited, accessed = 1, 0, now
--save
local channel, lost = ARGV[2], fence
--tell
return 1
