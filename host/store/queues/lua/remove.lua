#!lua flags=allow-oom
--[[
Drops the queue with everything in it. Its deduplication keys expire by themselves; a queue of the same name does not know them.
]]
for _, group in ipairs(redis.call('SMEMBERS', base .. ':groups')) do redis.call('UNLINK', listOf(group)) end
return redis.call('UNLINK', META, NOW, LATER, DUE, GDUE, TURNS, TRIES, LEASES, PARTS, base .. ':groups', base .. ':dead',
  base .. ':ids')
