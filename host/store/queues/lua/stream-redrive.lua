#!lua flags=allow-oom
--[[
Hands dead letters of a stream that other programs write to out again, as if they had been added now; not to other groups of that stream.

KEYS[2]  the stream
ARGV  1  dead letters, at most
      2  id in :dead of the last one that may be taken, '+' for the newest that there is; '' to take the ones that follow
      3  how long dead letters are kept, ms
      4. ids in :dead
Returns  {how many were taken, id in :dead of the last one that may be taken}
]]
local dead = base .. ':dead'
local now = clock()
redis.call('XTRIM', dead, 'MINID', math.max(0, now - tonumber(ARGV[3])))
local entries = {}
local last = lastDead(ARGV[2])
if last ~= '' then
  entries = redis.call('XRANGE', dead, '-', last, 'COUNT', ARGV[1])
else
  for i = 4, #ARGV do entries[#entries + 1] = redis.call('XRANGE', dead, ARGV[i], ARGV[i])[1] end
end
for _, entry in ipairs(entries) do
  redis.call('XDEL', dead, entry[1])
  -- Without attempts and cause; packed fields stay packed.
  local id = redis.call('XADD', AGAIN, '*', 'mayfly-entry', entry[2][2], unpack(entry[2], 9))
  redis.call('ZADD', DUE, now, 'a' .. id)
end
if #entries > 0 then redis.call('PUBLISH', base .. ':wake', 0) end
return { #entries, last }
