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
local dropped = 0
local tries = {}
redis.call('UNLINK', DUE, GDUE, TURNS, base .. ':groups')
for _, stream in ipairs({ NOW, LATER }) do
  local last
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
  local kept = {}
  local pending = redis.call('XPENDING', stream, GROUP, '-', '+', 10000000)
  for _, each in ipairs(pending) do
    local entry = redis.call('XRANGE', stream, each[1], each[1])[1]
    if entry then kept[#kept + 1] = { entry, each[2] } end
  end
  dropped = dropped + redis.call('XLEN', stream) - #kept
  redis.call('UNLINK', stream)
  redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
  local kind = stream == NOW and 'n' or 'l'
  for _, each in ipairs(kept) do
    local id, fields = each[1][1], each[1][2]
    redis.call('XADD', stream, id, unpack(fields))
    redis.call('XCLAIM', stream, GROUP, each[2], 0, id, 'FORCE', 'JUSTID')
    local tried = redis.call('HGET', TRIES, kind .. id)
    if tried then tries[kind .. id] = tried end
    local group = fields[4] or ''
    if group ~= '' then
      redis.call('RPUSH', listOf(group), id)
      redis.call('SADD', base .. ':groups', group)
    end
  end
  -- So that ids go on rising, and nothing that was handed out is handed out again.
  redis.call('XSETID', stream, last)
  redis.call('XGROUP', 'SETID', stream, GROUP, last)
end
redis.call('UNLINK', TRIES)
for handle, packed in pairs(tries) do redis.call('HSET', TRIES, handle, packed) end
return dropped
