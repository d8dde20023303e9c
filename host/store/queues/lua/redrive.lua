#!lua flags=allow-oom
--[[
Makes dead letters ready again, as if they were sent now.

ARGV  1  dead letters, at most
      2  id in :dead of the last one that may be taken, '+' for the newest that there is; '' to take the ones that follow
      3. message ids
Returns  {how many were taken, id in :dead of the last one that may be taken}
]]
local dead, ids = base .. ':dead', base .. ':ids'
local now = clock()
local entries = {}
local last = lastDead(ARGV[2])
if last ~= '' then
  entries = redis.call('XRANGE', dead, '-', last, 'COUNT', ARGV[1])
else
  for i = 3, #ARGV do
    local id = redis.call('HGET', ids, ARGV[i])
    local entry = id and redis.call('XRANGE', dead, id, id)[1]
    if entry then entries[#entries + 1] = entry end
  end
end
for _, entry in ipairs(entries) do
  local v, group = entry[2][2], entry[2][4]
  redis.call('XDEL', dead, entry[1])
  redis.call('HDEL', ids, string.sub(v, 1, 36))
  if group == '' then
    redis.call('XADD', NOW, '*', 'v', v)
  else
    local id = redis.call('XADD', LATER, '*', 'v', v, 'g', group)
    if redis.call('RPUSH', listOf(group), id) == 1 then
      redis.call('SADD', base .. ':groups', group)
      redis.call('ZADD', TURNS, now, group)
    end
  end
end
if #entries > 0 then announceNow(now) end
return { #entries, last }
