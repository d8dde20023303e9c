#!lua flags=allow-oom
--[[
Counts messages by state.

Returns  {ready, delayed, in flight, dead, when the oldest that waits was sent, ms, or -1}
]]
local retention, deadRetention = unpack(redis.call('HMGET', META, 'retention', 'deadRetention'))
if not retention then return { 0, 0, 0, 0, -1 } end
local now = clock()
expireLeases(now)
sweep(now, tonumber(retention), tonumber(deadRetention))

local held, count = inFlight()

-- The first entry that is in nobody's hands. Where so many are in flight that the walk ends, the oldest is at least as old as this.
local function oldest(stream, kind, from)
  local id
  for _ = 1, 1000 do
    local entry = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
    if not entry then return end
    id = entry[1]
    if not held[kind .. id] then break end
    from = '(' .. id
  end
  return sentAt(id)
end

local kept = redis.call('XLEN', NOW) + redis.call('XLEN', LATER)
local delayed = redis.call('ZCOUNT', DUE, '(' .. now, '+inf') + redis.call('ZCOUNT', GDUE, '(' .. now, '+inf')
-- What was read and is in nobody's hands is in :due. Where nothing is, what waits begins behind the cursor: no walk over what is in flight, which
-- took milliseconds where a thousand messages are.
local from = '-'
if redis.call('EXISTS', NOW) == 1 and redis.call('EXISTS', DUE) == 0 then from = '(' .. cursor() end
local first, second = oldest(NOW, 'n', from), oldest(LATER, 'l', '-')
return { kept - count - delayed, delayed, count, redis.call('XLEN', base .. ':dead'),
  math.min(first or second or -1, second or first or -1) }
