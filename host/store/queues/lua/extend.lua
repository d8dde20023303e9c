#!lua flags=allow-oom
--[[
Makes a lease that has not expired last longer.

ARGV  1  lease
      2  visibility from now on, ms
Returns  1, or 0 where it has expired
]]
local now = clock()
local expiresAt = tonumber(redis.call('ZSCORE', LEASES, ARGV[1]) or 0)
if expiresAt <= now then return 0 end
redis.call('ZADD', LEASES, 'XX', now + tonumber(ARGV[2]), ARGV[1])
return 1
