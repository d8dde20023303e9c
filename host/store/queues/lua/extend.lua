#!lua flags=allow-oom
--[[
Makes a lease that has not expired last longer.

ARGV  1  claim, as it was when it was made
      2  visibility from now on, ms
Returns  1, or 0 where it has expired
]]
local now = clock()
local claim = claimHeld(ARGV[1], now)
if not claim then return 0 end
redis.call('ZADD', LEASES, 'XX', now + tonumber(ARGV[2]), claim)
return 1
