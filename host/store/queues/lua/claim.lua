#!lua flags=allow-oom
--[[
Hands out batches, a claim for each.

ARGV  1  messages of a claim, at most
      2  bytes of bodies, at most, over all claims; a single message is handed out whatever its size
      3  visibility, ms
      4  claims of the queue that may be held at a time
      5  claims that are wanted
      6  what their names begin with, a point behind it
      7  number of the first: names were never used before, and are digits and points
Returns  {ms until something happens by itself, -1 for never} where there is nothing to hand out;
         else {when the leases expire, and for each: claim (as in :leases), tries, records}; tries: JSON, for each message {attempts, code,
         detail}, or '' where all are handed out for the first time; records: for each message 4 bytes length (big endian) of `v`, `v`
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
local wanted = math.min(tonumber(ARGV[5]), tonumber(ARGV[4]) - redis.call('ZCARD', LEASES))
if wanted <= 0 then
  redis.call('HSET', META, 'full', 1)
  return { nextEvent(now) }
end

-- Whether sizes have to be looked at: else no batch of this queue can be too large. Several claims are given only where they fit for certain.
local isTight = largest * maxMessages > maxBytes
if isTight then
  wanted = 1
elseif largest > 0 then
  wanted = math.min(wanted, math.floor(maxBytes / (largest * maxMessages)))
end
-- Of the claim that is being filled.
local handles, values, bytes = {}, {}, 0
local buried = 0
-- Fresh entries that were read for it and those behind it, and whether there are no more.
local stash, stashAt, isStale, isDry = {}, 1, false, false
-- What had to wait comes first, but not always, so that it cannot starve the rest. Mostly there is none.
local isMixed = redis.call('EXISTS', DUE, TURNS) > 0

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

-- Reads messages that never had to wait: the next ones behind the cursor of the group. What was read has to be handed out, so no more is than
-- this claim and those behind it take. False where there are none, or the next one does not fit.
local function readFresh(claimsBehind)
  if isDry then return false end
  local count = room()
  if count == 0 then
    local entry = redis.call('XRANGE', NOW, '(' .. cursor(), '+', 'COUNT', 1)[1]
    if not entry or not fits(entry[2][2]) then return false end
    count = 1
  end
  count = count + claimsBehind * maxMessages
  -- One consumer for all hosts: nothing is pending, and those of hosts that are gone would stay.
  local reply = redis.call('XREADGROUP', 'GROUP', GROUP, GROUP, 'COUNT', count, 'NOACK', 'STREAMS', NOW, '>')
  if not reply then return false end
  stash, stashAt = reply[1][2], 1
  -- In order of sending: if the first is not over time, none is.
  isStale = sentAt(stash[1][1]) <= cutoff
  isDry = #stash < count
  return true
end

local function takeFresh(claimsBehind)
  while #handles < maxMessages do
    local entry = stash[stashAt]
    if entry then
      stashAt = stashAt + 1
      if isStale and sentAt(entry[1]) <= cutoff then
        buryExpired('n' .. entry[1], '', entry[2][2])
        buried = buried + 1
      else
        add('n' .. entry[1], entry[2][2])
      end
    elseif buried >= SWEEP or not readFresh(claimsBehind) then
      return
    end
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

local function takeMixed(number)
  local sources = { takeFresh, takeTurns }
  if not isFreshOlder() then sources = { takeTurns, takeFresh } end
  table.insert(sources, (now + number) % 4 == 3 and 3 or 1, takeDue)
  for _, take in ipairs(sources) do
    if #handles < maxMessages then take(0) end
  end
end

local function triesOfAll()
  local known, tries, isRetry = redis.call('HMGET', TRIES, unpack(handles)), {}, false
  for i = 1, #handles do
    tries[i] = known[i] and cmsgpack.unpack(known[i]) or { 0, '', '' }
    isRetry = isRetry or known[i]
  end
  return isRetry and cjson.encode(tries) or ''
end

local pack = struct.pack
local function recordsOf()
  local parts = {}
  for i, v in ipairs(values) do
    parts[2 * i - 1] = pack('>I4', #v)
    parts[2 * i] = v
  end
  return table.concat(parts)
end

local expiresAt = now + tonumber(ARGV[3])
local answer, leases = { expiresAt }, {}
local hasTries = redis.call('EXISTS', TRIES) == 1
for number = 0, wanted - 1 do
  if isMixed then takeMixed(number) else takeFresh(wanted - 1 - number) end
  if #handles == 0 then break end
  local claim = string.format('%s.%.0f', ARGV[6], tonumber(ARGV[7]) + number) .. ' ' .. #handles .. ' ' .. table.concat(handles, ' ')
  leases[#leases + 1] = expiresAt
  leases[#leases + 1] = claim
  answer[#answer + 1] = claim
  answer[#answer + 1] = hasTries and triesOfAll() or ''
  answer[#answer + 1] = recordsOf()
  handles, values, bytes = {}, {}, 0
end
if #leases == 0 then
  if buried > 0 then return { 0 } end
  if not meta[5] then redis.call('HSET', META, 'idle', 1) end
  return { nextEvent(now) }
end
redis.call('ZADD', LEASES, unpack(leases))
return answer
