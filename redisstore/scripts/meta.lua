-- Returns m and the time now, whether it is locked or not; no access.
--load
if not there then return GONE end
return {m, now}
