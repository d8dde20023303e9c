--[[
Head of every script of the Redis queue engine: the clock, the keys, and the steps that scripts share.

KEYS[1]  mayfly:{tenant/kind/name}, the queue. Every other key of a queue is this one with a suffix, so that all of them have the
         same hash tag and lie on the same node of a cluster:

  :meta      hash    retention, deadRetention (ms), largest (bytes of the largest body), epoch (tells this queue's deduplication
                     keys from those of a removed one), swept and said (ms, when last), idle and full (wake-ups)
  :now       stream  {v} what may be handed out as soon as it is sent. Its consumer group `mayfly` is the place up to which all hosts
                     have read; it acknowledges by itself (NOACK), since what is in flight is in :leases, a batch at a time
  :later     stream  {v, g} what has a delay or a group; taken by its id
  :due       zset    handle of an ungrouped message that waits for a time -> that time, ms; of one that was given back at once -> when
                     it was sent, so that it comes before what was sent later
  :gdue      zset    id (in :later) of a grouped message that waits for a time -> that time, ms
  :g:GROUP   list    ids (in :later) of a group, in order of sending, in flight included
  :groups    set     groups that have such a list
  :turns     zset    group that waits and is in nobody's hands -> when its first message may be handed out, ms
  :tries     hash    handle of a message that was tried -> cmsgpack {attempts, code, detail}; none where it was not
  :leases    zset    claim -> when its lease expires, ms. A claim is: its name, how many messages it took, the handles of those that
                     are not settled, with spaces between
  :parts     hash    name of a claim of which a part was settled -> the claim as it is now in :leases
  :dead      stream  {v, g, a, c, d, s, lc, ld} dead letters: group, attempts, cause, when sent (ms), cause before. The id is when.
  :ids       hash    message id -> id in :dead
  :d:EPOCH:K string  message id that the deduplication key K stands for; expires by itself
  :wake      channel wake-ups: in how many ms there is something to claim

Causes without a detail are the engine's own: `lease_expired`, `message_expired`.
Scripts for a stream that other programs write to (`stream-*.lua`) have the stream as KEYS[2] and keep :meta, :due, :tries, :leases and
:parts beside it, with handles of `n` and the entry's id, and

  :dead      stream  {mayfly-entry, mayfly-attempts, mayfly-code, mayfly-detail, and the entry's own fields} dead letters
  :again     stream  {mayfly-entry, and the entry's own fields} dead letters that are to be tried again; handles of `a` and the id here

where own fields of more than UNPACKED texts are one field, `mayfly-fields`: cmsgpack {field, value, ...}.

A handle is `n`, `l` or `a` (the stream) and the entry's id; it stays the same for as long as the message is kept, and its time is
when the message was sent. `v` is: 36 characters message id, 4 bytes length of the head (big endian), head (JSON), body.
A message is in flight exactly while a claim in :leases names it.
Times are Redis' own, in milliseconds since the epoch. A script that takes nothing new in has the flag `allow-oom`: what is there can
be handled while Redis' memory is full. This file goes between the first line of a script and the rest of it.
]]
local redis, tonumber, ipairs = redis, tonumber, ipairs
local base = KEYS[1]
local META = base .. ':meta'
local NOW, LATER, AGAIN = base .. ':now', base .. ':later', base .. ':again'
local DUE, GDUE, TURNS = base .. ':due', base .. ':gdue', base .. ':turns'
local TRIES, LEASES, PARTS = base .. ':tries', base .. ':leases', base .. ':parts'
local GROUP = 'mayfly'
local HANDLE = '[nla]%d+%-%d+'
-- For how long a queue that is being worked on keeps silent after it was announced, ms.
local SILENCE = 50
-- How many messages that are over time one call puts away, at most.
local SWEEP = 100

-- Lua hands a command some 8,000 texts at most (LUAI_MAXCSTACK); another program's entry may have a million.
local FIELDS = 'mayfly-fields'
local UNPACKED = 7000

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function sentAt(id)
  return tonumber(string.match(id, '%d+'))
end

-- The score in :due of what may be handed out at once. Ids that a writer makes himself may be later than now.
local function dueAtOnce(id, now)
  return math.min(now, sentAt(id))
end

-- Whether an entry was added before another, or is the same.
local function isBefore(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  if aMs ~= bMs then return tonumber(aMs) < tonumber(bMs) end
  return tonumber(aSeq) <= tonumber(bSeq)
end

local function streamOf(handle)
  local kind = string.byte(handle)
  if kind == 110 then return NOW elseif kind == 108 then return LATER else return AGAIN end
end

local function listOf(group)
  return base .. ':g:' .. group
end

local function bodySize(v)
  return #v - 40 - struct.unpack('>I4', v, 37)
end

-- Says that there is something to claim in `inMs`, on every host. While nobody has found the queue empty it is said only now and then.
local function announce(now, inMs, idle, said)
  if not idle and said and now - said < SILENCE and now >= said then return end
  redis.call('HSET', META, 'said', now)
  if idle then redis.call('HDEL', META, 'idle') end
  redis.call('PUBLISH', base .. ':wake', inMs)
end

local function announceNow(now)
  local meta = redis.call('HMGET', META, 'idle', 'said')
  announce(now, 0, meta[1], tonumber(meta[2]))
end

-- A time is new: hosts set their timers by the earliest.
local function announceTime(now, at)
  if at <= now then
    announceNow(now)
  else
    redis.call('PUBLISH', base .. ':wake', at - now)
  end
end

-- Id of the last message of :now that was handed out for the first time.
local function cursor()
  local group = redis.call('XINFO', 'GROUPS', NOW)[1]
  for i = 1, #group, 2 do
    if group[i] == 'last-delivered-id' then return group[i + 1] end
  end
end

-- A consumer group of a stream of others; nil where there is none. Its fields by name.
local function groupInfo(stream, group)
  if redis.call('EXISTS', stream) == 0 then return end
  for _, each in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local info = {}
    for i = 1, #each, 2 do info[each[i]] = each[i + 1] end
    if info.name == group then return info end
  end
end

-- What XADD is given for an entry's own fields, {field, value, ...}. A first field of that name is packed, too: it would be taken for ours.
local function packedFields(fields)
  if #fields <= UNPACKED and fields[1] ~= FIELDS then return fields end
  return { FIELDS, cmsgpack.pack(fields) }
end

-- All fields of an entry of ours as they were before, of which the first `head` texts are ours.
local function unpackedFields(fields, head)
  if fields[head + 1] ~= FIELDS then return fields end
  local own = cmsgpack.unpack(fields[head + 2])
  fields[head + 1], fields[head + 2] = nil, nil
  for i, text in ipairs(own) do fields[head + i] = text end
  return fields
end

-- What waits to be tried again, and was tried, of a stream that has gone: its ids may name other entries now.
local function forgetEntries()
  for _, handle in ipairs(redis.call('ZRANGE', DUE, 0, -1)) do
    if streamOf(handle) == NOW then redis.call('ZREM', DUE, handle) end
  end
  for _, handle in ipairs(redis.call('HKEYS', TRIES)) do
    if streamOf(handle) == NOW then redis.call('HDEL', TRIES, handle) end
  end
end

-- Makes it where there is none. A stream that has gone and comes back is read from its beginning: all of it is new.
local function ensureGroup(stream, group, start)
  if groupInfo(stream, group) then return end
  if redis.call('HEXISTS', META, 'begun') == 1 then
    start = '0'
    forgetEntries()
  end
  redis.call('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM')
  redis.call('HSET', META, 'begun', 1)
end

-- When the next thing happens by itself, ms from now; -1 for never.
local function nextEvent(now)
  local earliest
  for _, key in ipairs({ DUE, TURNS, LEASES }) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    local at = tonumber(first[2])
    if at and (not earliest or at < earliest) then earliest = at end
  end
  if not earliest then return -1 end
  return math.max(0, math.ceil(earliest - now))
end

local function triesOf(handle)
  local packed = redis.call('HGET', TRIES, handle)
  if packed then return cmsgpack.unpack(packed) end
  return { 0, '', '' }
end

-- Puts a group that is in nobody's hands back in line, or ends it.
local function lineUp(group, now)
  local head = redis.call('LINDEX', listOf(group), 0)
  if not head then
    redis.call('ZREM', TURNS, group)
    redis.call('SREM', base .. ':groups', group)
    return
  end
  local at = tonumber(redis.call('ZSCORE', GDUE, head) or now)
  if at < now then at = now end
  redis.call('ZADD', TURNS, at, group)
  return at
end

local function nameOf(claim)
  return string.match(claim, '^%S+')
end

-- A claim as :leases has it now, and when it expires; nil where it has expired or is over.
local function claimHeld(claim, now)
  local expiresAt = redis.call('ZSCORE', LEASES, claim)
  if not expiresAt then
    claim = redis.call('HGET', PARTS, nameOf(claim))
    expiresAt = claim and redis.call('ZSCORE', LEASES, claim)
  end
  if expiresAt and tonumber(expiresAt) > now then return claim, expiresAt end
end

-- A claim has ended: says so where one was refused because too many were held.
local function announceRoom()
  if redis.call('HDEL', META, 'full') == 1 then redis.call('PUBLISH', base .. ':wake', 0) end
end

-- Ends a claim all of whose messages are settled.
local function endClaim(claim)
  redis.call('ZREM', LEASES, claim)
  redis.call('HDEL', PARTS, nameOf(claim))
  announceRoom()
end

-- Leaves a claim with the handles that are keys of `left`.
local function keepPart(claim, expiresAt, left)
  local name, size = string.match(claim, '^(%S+) (%d+)')
  local parts = { name, size }
  for handle in pairs(left) do parts[#parts + 1] = handle end
  local rest = table.concat(parts, ' ')
  redis.call('ZREM', LEASES, claim)
  redis.call('ZADD', LEASES, expiresAt, rest)
  redis.call('HSET', PARTS, name, rest)
end

-- Handles of what is in flight, as keys, and how many. Costs as much as that.
local function inFlight()
  local handles, count = {}, 0
  for _, claim in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    for handle in string.gmatch(claim, HANDLE) do
      handles[handle] = true
      count = count + 1
    end
  end
  return handles, count
end

-- Takes a message out of the queue. Its group, if it has one, is for the caller to line up.
local function drop(handle, group)
  local id, stream = string.sub(handle, 2), streamOf(handle)
  redis.call('XDEL', stream, id)
  redis.call('HDEL', TRIES, handle)
  if group ~= '' then
    redis.call('LREM', listOf(group), 1, id)
    redis.call('ZREM', GDUE, id)
  else
    redis.call('ZREM', DUE, handle)
  end
end

-- Makes a message a dead letter.
local function bury(handle, group, v, attempts, code, detail)
  local tries = triesOf(handle)
  drop(handle, group)
  local id = redis.call('XADD', base .. ':dead', '*', 'v', v, 'g', group, 'a', attempts or tries[1], 'c', code,
    'd', detail, 's', sentAt(string.sub(handle, 2)), 'lc', tries[2], 'ld', tries[3])
  redis.call('HSET', base .. ':ids', string.sub(v, 1, 36), id)
end

local function buryExpired(handle, group, v)
  bury(handle, group, v, nil, 'message_expired', '')
end

-- Hands back what an expired lease holds: due at once, the attempt counted.
local function expireLeases(now)
  local first = redis.call('ZRANGE', LEASES, 0, 0, 'WITHSCORES')
  if not first[2] or tonumber(first[2]) > now then return end
  local groups = {}
  for _, claim in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, 10)) do
    for handle in string.gmatch(claim, HANDLE) do
      local id = string.sub(handle, 2)
      redis.call('HSET', TRIES, handle, cmsgpack.pack({ triesOf(handle)[1] + 1, 'lease_expired', '' }))
      local group = ''
      if streamOf(handle) == LATER then
        local entry = redis.call('XRANGE', LATER, id, id)[1]
        group = entry and entry[2][4] or ''
      end
      if group == '' then
        redis.call('ZADD', DUE, dueAtOnce(id, now), handle)
      else
        groups[group] = true
      end
    end
    redis.call('ZREM', LEASES, claim)
    redis.call('HDEL', PARTS, nameOf(claim))
  end
  for group in pairs(groups) do lineUp(group, now) end
  redis.call('HDEL', META, 'full')
  announceNow(now)
end

-- Puts away what has waited for longer than `retention`, and dead letters that were kept for longer than `deadRetention`.
local function sweep(now, retention, deadRetention)
  local held
  for _, stream in ipairs({ NOW, LATER }) do
    local kind = stream == NOW and 'n' or 'l'
    local from = '-'
    for _ = 1, SWEEP do
      local entry = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
      if not entry or sentAt(entry[1]) + retention > now then break end
      held = held or inFlight()
      if held[kind .. entry[1]] then
        from = '(' .. entry[1]
      else
        local group = entry[2][4] or ''
        buryExpired(kind .. entry[1], group, entry[2][2])
        if group ~= '' and redis.call('ZREM', TURNS, group) == 1 then lineUp(group, now) end
      end
    end
  end
  local dead = base .. ':dead'
  local over = redis.call('XRANGE', dead, '-', math.max(0, now - deadRetention), 'COUNT', SWEEP)
  for _, entry in ipairs(over) do
    redis.call('XDEL', dead, entry[1])
    redis.call('HDEL', base .. ':ids', string.sub(entry[2][2], 1, 36))
  end
end

-- Id in :dead of the last dead letter that may be taken; '+' is the newest that there is now.
local function lastDead(wanted)
  if wanted ~= '+' then return wanted end
  local newest = redis.call('XREVRANGE', base .. ':dead', '+', '-', 'COUNT', 1)[1]
  return newest and newest[1] or '0-1'
end
