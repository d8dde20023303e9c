#!lua flags=allow-oom
--[[
Hands out a batch of a stream that other programs write to.

KEYS[2]  the stream
ARGV  1  entries, at most
      2  bytes of fields and values, at most; a single entry is handed out whatever its size
      3  visibility, ms
      4  claims that may be held at a time
      5  consumer
      6  name of the claim, never used before: digits and points
      7  consumer group
      8  where the group begins if it is new: '0' or '$'
Returns  {ms until something happens by itself, -1 for never, id of the last entry that the group has seen} where there is nothing to
         hand out; else {when the lease expires, claim (as in :leases), tries (JSON, for each entry {attempts, code, detail}),
         {field, value, ...}...}; those of an entry of :again begin with `mayfly-entry`
]]
local now = clock()
local stream, group, consumer = KEYS[2], ARGV[7], ARGV[5]
local maxMessages, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])

local function lastSeen()
  return groupInfo(stream, group)['last-delivered-id']
end

ensureGroup(stream, group, ARGV[8])
expireLeases(now)
if redis.call('ZCARD', LEASES) >= tonumber(ARGV[4]) then
  redis.call('HSET', META, 'full', 1)
  return { nextEvent(now), lastSeen() }
end

-- What was handed out and is in nobody's hands here: to a program that has gone, or before these keys were lost.
local swept = tonumber(redis.call('HGET', META, 'swept') or 0)
if now - swept >= 1000 then
  redis.call('HSET', META, 'swept', now)
  local held
  for _, each in ipairs(redis.call('XPENDING', stream, group, 'IDLE', ARGV[3], '-', '+', SWEEP)) do
    held = held or inFlight()
    local handle = 'n' .. each[1]
    if not held[handle] and not redis.call('ZSCORE', DUE, handle) then
      if redis.call('HEXISTS', TRIES, handle) == 0 then
        redis.call('HSET', TRIES, handle, cmsgpack.pack({ each[4], 'lease_expired', '' }))
      end
      redis.call('ZADD', DUE, now, handle)
    end
  end
end

local handles, values, tries, bytes = {}, {}, {}, 0

local function add(handle, fields)
  local size = 0
  for _, text in ipairs(fields) do size = size + #text end
  if #handles > 0 and bytes + size > maxBytes then return false end
  bytes = bytes + size
  handles[#handles + 1] = handle
  values[#values + 1] = fields
  tries[#tries + 1] = triesOf(handle)
  return true
end

local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, maxMessages)
-- What is due at one time is in the order of its letters there, not of the stream.
table.sort(due, function(a, b) return not isBefore(b, a) end)
for _, handle in ipairs(due) do
  local id = string.sub(handle, 2)
  local isAgain = string.sub(handle, 1, 1) == 'a'
  local entry = redis.call('XRANGE', isAgain and AGAIN or stream, id, id)[1]
  if not entry then
    -- Its writer has trimmed it away.
    if not isAgain then redis.call('XACK', stream, group, id) end
    redis.call('HDEL', TRIES, handle)
  elseif add(handle, isAgain and unpackedFields(entry[2], 2) or entry[2]) then
    if not isAgain then redis.call('XCLAIM', stream, group, consumer, 0, id) end
  else
    break
  end
  redis.call('ZREM', DUE, handle)
end

local isFull = false
while #handles < maxMessages and not isFull do
  local wanted = maxMessages - #handles
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', wanted, 'STREAMS', stream, '>')
  if not reply then break end
  for _, entry in ipairs(reply[1][2]) do
    isFull = isFull or not add('n' .. entry[1], entry[2])
    -- It stays pending, for the next claim.
    if isFull then redis.call('ZADD', DUE, dueAtOnce(entry[1], now), 'n' .. entry[1]) end
  end
  if #reply[1][2] < wanted then break end
end

if #handles == 0 then return { nextEvent(now), lastSeen() } end
local expiresAt = now + tonumber(ARGV[3])
local claim = ARGV[6] .. ' ' .. #handles .. ' ' .. table.concat(handles, ' ')
redis.call('ZADD', LEASES, expiresAt, claim)
return { expiresAt, claim, cjson.encode(tries), unpack(values) }
