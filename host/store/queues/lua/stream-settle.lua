#!lua flags=allow-oom
--[[
Settles entries of a claim of a stream that other programs write to. An entry stays in the stream, which is theirs.

KEYS[2]  the stream
ARGV  1  claim, as it was when it was made
      2  consumer group
      3  how long dead letters are kept, ms
      4. for each entry: kind ('done', 'retry', 'release', 'dead', 'untried'), handle, when to try again (ms since the epoch), code and detail of
         the cause, and of a dead one, whose writer may have trimmed it away meanwhile, its id and its fields (cmsgpack {field, value, ...}), which
         are '' of another. Or nothing at all where each entry of the claim is done
Returns  1, or 0 where the lease has expired or is over
]]
local now = clock()
local stream, group = KEYS[2], ARGV[2]
local claim, expiresAt = claimHeld(ARGV[1], now)
if not claim then return 0 end

local left, count = {}, 0
for handle in string.gmatch(claim, HANDLE) do
  left[handle] = true
  count = count + 1
end
local soonest

local function acknowledge(handle)
  local id = string.sub(handle, 2)
  if string.sub(handle, 1, 1) == 'a' then
    redis.call('XDEL', AGAIN, id)
  else
    redis.call('XACK', stream, group, id)
  end
  redis.call('HDEL', TRIES, handle)
end

local function bury(handle, attempts, code, detail, entry, fields)
  redis.call('XADD', base .. ':dead', 'MINID', '~', math.max(0, now - tonumber(ARGV[3])), '*', 'mayfly-entry', entry,
    'mayfly-attempts', attempts, 'mayfly-code', code, 'mayfly-detail', detail, unpack(packedFields(cmsgpack.unpack(fields))))
  acknowledge(handle)
end

local function settle(kind, handle, at, code, detail, entry, fields)
  if not left[handle] then return end
  left[handle] = nil
  count = count - 1
  if kind == 'done' then
    acknowledge(handle)
  elseif kind == 'dead' or kind == 'untried' then
    bury(handle, triesOf(handle)[1] + (kind == 'dead' and 1 or 0), code, detail, entry, fields)
  else
    if kind == 'retry' then
      redis.call('HSET', TRIES, handle, cmsgpack.pack({ triesOf(handle)[1] + 1, code, detail }))
    end
    if at <= now then at = dueAtOnce(string.sub(handle, 2), now) end
    redis.call('ZADD', DUE, at, handle)
    if not soonest or at < soonest then soonest = at end
  end
end

if #ARGV == 3 then
  local ids = {}
  local hasTries = redis.call('EXISTS', TRIES) == 1
  for handle in pairs(left) do
    if string.sub(handle, 1, 1) == 'a' then
      acknowledge(handle)
    else
      ids[#ids + 1] = string.sub(handle, 2)
      if hasTries then redis.call('HDEL', TRIES, handle) end
    end
  end
  if #ids > 0 then redis.call('XACK', stream, group, unpack(ids)) end
  count = 0
end
for i = 4, #ARGV, 7 do
  settle(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
end

if count == 0 then
  endClaim(claim)
else
  keepPart(claim, expiresAt, left)
end
if soonest then announceTime(now, soonest) end
return 1
