#!lua flags=allow-oom
--[[
Drops what waits, or the dead letters. Costs as much as there is in flight, not as much as it drops: the streams are laid anew
with what they have pending.

ARGV  1  'waiting' or 'dead'
Returns  how many were dropped
]]
if redis.call('EXISTS', META) == 0 then return 0 end
if ARGV[1] == 'dead' then
  local count = redis.call('XLEN', base .. ':dead')
  redis.call('UNLINK', base .. ':dead', base .. ':ids')
  return count
end
expireLeases(clock())
for _, group in ipairs(redis.call('SMEMBERS', base .. ':groups')) do redis.call('UNLINK', listOf(group)) end
redis.call('UNLINK', DUE, GDUE, TURNS, base .. ':groups')

-- What is in flight, in order of sending.
local kept = { [NOW] = {}, [LATER] = {} }
local tries = {}
for handle in pairs((inFlight())) do
  local id, stream = string.sub(handle, 2), streamOf(handle)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then table.insert(kept[stream], entry) end
  tries[handle] = redis.call('HGET', TRIES, handle) or nil
end
redis.call('UNLINK', TRIES)
for handle, packed in pairs(tries) do redis.call('HSET', TRIES, handle, packed) end

local dropped = 0
for _, stream in ipairs({ NOW, LATER }) do
  dropped = dropped + redis.call('XLEN', stream) - #kept[stream]
  local last
  if redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
  end
  redis.call('UNLINK', stream)
  table.sort(kept[stream], function(a, b) return a[1] ~= b[1] and isBefore(a[1], b[1]) end)
  for _, entry in ipairs(kept[stream]) do
    local group = entry[2][4] or ''
    redis.call('XADD', stream, entry[1], unpack(entry[2]))
    if group ~= '' then
      redis.call('RPUSH', listOf(group), entry[1])
      redis.call('SADD', base .. ':groups', group)
    end
  end
  -- So that ids go on rising, and nothing that was handed out is handed out again.
  if stream == NOW then redis.call('XGROUP', 'CREATE', NOW, GROUP, last, 'MKSTREAM') end
  if last and redis.call('EXISTS', stream) == 1 then redis.call('XSETID', stream, last) end
end
return dropped
