#!lua flags=allow-oom
--[[
Counts entries of a stream that other programs write to, as a consumer group has them.

KEYS[2]  the stream
ARGV  1  consumer group
      2  where the group begins if it is new: '0' or '$'
      3  how long dead letters are kept, ms
Returns  {ready, -1 where Redis does not know it, delayed, in flight, dead, id of the last entry that the group has seen}
]]
local now = clock()
ensureGroup(KEYS[2], ARGV[1], ARGV[2])
expireLeases(now)
redis.call('XTRIM', base .. ':dead', 'MINID', math.max(0, now - tonumber(ARGV[3])))
local info = groupInfo(KEYS[2], ARGV[1])
local _, held = inFlight()
local delayed = redis.call('ZCOUNT', DUE, '(' .. now, '+inf')
local due = redis.call('ZCARD', DUE) - delayed
-- Not known after entries have been deleted behind the group's place.
local ready = info.lag and info.lag + due or -1
return { ready, delayed, held, redis.call('XLEN', base .. ':dead'), info['last-delivered-id'] }
