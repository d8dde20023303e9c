#!lua flags=allow-oom
--[[
Hands out a batch.

ARGV  1  messages, at most
      2  bytes of bodies, at most; a single message is handed out whatever its size
      3  visibility, ms
      4  claims of the queue that may be held at a time
      5  consumer, of the stream's group
      6  name of the claim, never used before: digits and points
Returns  {ms until something happens by itself, -1 for never} where there is nothing to hand out;
         else {when the lease expires, claim (as in :leases), tries, v...}; tries: JSON, for each message {attempts, code, detail},
         or '' where all are handed out for the first time
]]
local now = clock()
local meta = redis.call('HMGET', META, 'retention', 'deadRetention', 'largest', 'swept', 'idle')
if not meta[1] then return { -1 } end
local retention, largest = tonumber(meta[1]), tonumber(meta[3])
local maxMessages, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local cutoff = now - retention

expireLeases(now)
-- What is handed out is looked at anyway; this is for what waits behind it, or for nobody.
if not meta[4] or now - tonumber(meta[4]) >= 1000 then
  sweep(now, retention, tonumber(meta[2]))
  redis.call('HSET', META, 'swept', now)
end
if redis.call('ZCARD', LEASES) >= tonumber(ARGV[4]) then
  redis.call('HSET', META, 'full', 1)
  return { nextEvent(now) }
end

local handles, values, tries = {}, {}, {}
local isRetry, bytes, buried = false, 0, 0
-- Whether sizes have to be looked at: else no batch of this queue can be too large.
local isTight = largest * maxMessages > maxBytes

local function add(handle, v)
  handles[#handles + 1] = handle
  values[#values + 1] = v
  if isTight then bytes = bytes + bodySize(v) end
end

-- How many more fit for certain.
local function room()
  local left = maxMessages - #handles
  if isTight and largest > 0 then left = math.min(left, math.floor((maxBytes - bytes) / largest)) end
  return math.max(left, 0)
end

local function fits(v)
  return #handles < maxMessages and (#handles == 0 or bytes + bodySize(v) <= maxBytes)
end

-- Messages that never had to wait: the next ones behind the cursor of the group.
local function takeFresh()
  while #handles < maxMessages and buried < SWEEP do
    local wanted = room()
    if wanted == 0 then
      local entry = redis.call('XRANGE', NOW, '(' .. cursor(), '+', 'COUNT', 1)[1]
      if not entry or not fits(entry[2][2]) then return end
      wanted = 1
    end
    local reply = redis.call('XREADGROUP', 'GROUP', GROUP, ARGV[5], 'COUNT', wanted, 'NOACK', 'STREAMS', NOW, '>')
    if not reply then return end
    local entries = reply[1][2]
    -- In order of sending: if the first is not over time, none is.
    local isStale = sentAt(entries[1][1]) <= cutoff
    for _, entry in ipairs(entries) do
      if isStale and sentAt(entry[1]) <= cutoff then
        buryExpired('n' .. entry[1], '', entry[2][2])
        buried = buried + 1
      else
        add('n' .. entry[1], entry[2][2])
      end
    end
    if #entries < wanted then return end
  end
end

-- One message by its handle. False if it does not fit; the caller has seen to it that it may be handed out.
local function takeOne(handle, group)
  local id, stream = string.sub(handle, 2), streamOf(handle)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if not entry then
    drop(handle, group)
    return true
  end
  local v = entry[2][2]
  if sentAt(id) <= cutoff then
    buryExpired(handle, group, v)
    buried = buried + 1
    return true
  end
  if isTight and not fits(v) then return false end
  add(handle, v)
  return true
end

local function takeDue()
  for _, handle in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, maxMessages - #handles)) do
    if buried >= SWEEP or not takeOne(handle, '') then return end
    redis.call('ZREM', DUE, handle)
  end
end

local function takeTurns()
  local hasDelays = redis.call('ZCARD', GDUE) > 0
  while #handles < maxMessages and buried < SWEEP do
    local group = redis.call('ZRANGEBYSCORE', TURNS, '-inf', now, 'LIMIT', 0, 1)[1]
    if not group then return end
    local before, isFull = #handles, false
    for _, id in ipairs(redis.call('LRANGE', listOf(group), 0, maxMessages - #handles - 1)) do
      local at = hasDelays and redis.call('ZSCORE', GDUE, id)
      if at and tonumber(at) > now then break end
      if buried >= SWEEP or not takeOne('l' .. id, group) then
        isFull = true
        break
      end
      if at then redis.call('ZREM', GDUE, id) end
    end
    if #handles > before then
      redis.call('ZREM', TURNS, group)
    else
      if isFull then return end
      lineUp(group, now)
    end
    if isFull then return end
  end
end

-- Whether the next fresh message was sent before the first group in line had its turn.
local function isFreshOlder()
  local turn = tonumber(redis.call('ZRANGE', TURNS, 0, 0, 'WITHSCORES')[2] or now + 1)
  if turn > now then return true end
  if redis.call('XLEN', NOW) == 0 then return false end
  local entry = redis.call('XRANGE', NOW, '(' .. cursor(), '+', 'COUNT', 1)[1]
  return entry and sentAt(entry[1]) <= turn
end

-- What had to wait comes first, but not always, so that it cannot starve the rest. Mostly there is none.
if redis.call('EXISTS', DUE, TURNS) == 0 then
  takeFresh()
else
  local sources = { takeFresh, takeTurns }
  if not isFreshOlder() then sources = { takeTurns, takeFresh } end
  table.insert(sources, now % 4 == 3 and 3 or 1, takeDue)
  for _, take in ipairs(sources) do
    if #handles < maxMessages then take() end
  end
end

if #handles == 0 then
  if buried > 0 then return { 0 } end
  if not meta[5] then redis.call('HSET', META, 'idle', 1) end
  return { nextEvent(now) }
end

if redis.call('EXISTS', TRIES) == 1 then
  local known = redis.call('HMGET', TRIES, unpack(handles))
  for i = 1, #handles do
    tries[i] = known[i] and cmsgpack.unpack(known[i]) or { 0, '', '' }
    isRetry = isRetry or known[i]
  end
end
local expiresAt = now + tonumber(ARGV[3])
local claim = ARGV[6] .. ' ' .. #handles .. ' ' .. table.concat(handles, ' ')
redis.call('ZADD', LEASES, expiresAt, claim)
return { expiresAt, claim, isRetry and cjson.encode(tries) or '', unpack(values) }
