#!lua flags=allow-oom
--[[
Tells a host that begins to listen when there is something to claim.

Returns  0 where there may be something already, else ms until something happens by itself, -1 for never
]]
if redis.call('EXISTS', NOW) == 1 and redis.call('XRANGE', NOW, '(' .. cursor(), '+', 'COUNT', 1)[1] then return 0 end
return nextEvent(clock())
