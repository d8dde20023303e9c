#!lua flags=allow-oom
--[[
Drops the dead letters of a stream that other programs write to.

KEYS[2]  the stream
Returns  how many were dropped
]]
local count = redis.call('XLEN', base .. ':dead')
redis.call('UNLINK', base .. ':dead')
return count
