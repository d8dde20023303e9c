#!lua
--[[
Keeps messages, all or none.

ARGV  1  messages that may be in the queue
      2  retention, ms
      3  retention of dead letters, ms
      4  window of deduplication, ms
      5  size of the largest body, bytes
      6  epoch, if the queue is new
      7  'plain': a `v` each; 'full': v, when to deliver (ms since the epoch, 0 for at once), deduplication key,
         group each ('' where there is none)
Returns  -1 where they would be too many; of 'plain' 0; of 'full' a list: id of the earlier message, or ''
]]
local now = clock()
local meta = redis.call('HMGET', META, 'retention', 'deadRetention', 'largest', 'epoch', 'idle', 'said')
local epoch = meta[4] or ARGV[6]
local isPlain = ARGV[7] == 'plain'
local count = #ARGV - 7
local earlier = {}

-- What a deduplication key of this call stands for already, and how many messages that leaves.
if not isPlain then
  count = 0
  local seen = {}
  for i = 8, #ARGV, 4 do
    local key = ARGV[i + 2]
    local known = false
    if key ~= '' then
      known = seen[key] or redis.call('GET', base .. ':d:' .. epoch .. ':' .. key)
      seen[key] = known or string.sub(ARGV[i], 1, 36)
    end
    earlier[#earlier + 1] = known or ''
    if not known then count = count + 1 end
  end
end
if count > 0 then
  local kept = meta[4] and redis.call('XLEN', NOW) + redis.call('XLEN', LATER) or 0
  if kept + count > tonumber(ARGV[1]) then
    -- What is in flight does not wait.
    if meta[4] then
      local _, held = inFlight()
      kept = kept - held
    end
    if kept + count > tonumber(ARGV[1]) then return -1 end
  end
end

if not meta[4] then
  redis.call('XGROUP', 'CREATE', NOW, GROUP, '0', 'MKSTREAM')
  redis.call('HSET', META, 'epoch', epoch)
end
if meta[1] ~= ARGV[2] or meta[2] ~= ARGV[3] then
  redis.call('HSET', META, 'retention', ARGV[2], 'deadRetention', ARGV[3])
end
if not meta[3] or tonumber(meta[3]) < tonumber(ARGV[5]) then redis.call('HSET', META, 'largest', ARGV[5]) end

if isPlain then
  for i = 8, #ARGV do redis.call('XADD', NOW, '*', 'v', ARGV[i]) end
  announce(now, 0, meta[5], tonumber(meta[6]))
  return 0
end

local soonest
local function keep(v, at, group)
  if group ~= '' then
    local id = redis.call('XADD', LATER, '*', 'v', v, 'g', group)
    if at > now then redis.call('ZADD', GDUE, at, id) end
    -- Behind others of its group it changes nothing.
    if redis.call('RPUSH', listOf(group), id) > 1 then return end
    redis.call('SADD', base .. ':groups', group)
    redis.call('ZADD', TURNS, at, group)
  elseif at > now then
    redis.call('ZADD', DUE, at, 'l' .. redis.call('XADD', LATER, '*', 'v', v, 'g', ''))
  else
    redis.call('XADD', NOW, '*', 'v', v)
  end
  if not soonest or at < soonest then soonest = at end
end

for i = 8, #ARGV, 4 do
  local v, key = ARGV[i], ARGV[i + 2]
  if earlier[(i - 4) / 4] == '' then
    keep(v, math.max(now, tonumber(ARGV[i + 1])), ARGV[i + 3])
    if key ~= '' then
      redis.call('SET', base .. ':d:' .. epoch .. ':' .. key, string.sub(v, 1, 36), 'PX', ARGV[4])
    end
  end
end
if soonest and soonest <= now then
  announce(now, 0, meta[5], tonumber(meta[6]))
elseif soonest then
  announceTime(now, soonest)
end
return earlier
