-- Returns m.
--load
if not there then return GONE end
if held then return LOCKED end
local value
accessed = now
--save
return m
