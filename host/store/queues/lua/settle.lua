#!lua flags=allow-oom
--[[
Settles messages of a claim.

ARGV  1  claim, as it was when it was made
      2. for each message: kind ('done', 'retry', 'release', 'dead', 'untried'), handle, group, when to try again (ms since the epoch), code and
         detail of the cause
Returns  1, or 0 where the lease has expired or is over
]]
local now = clock()
local claim, expiresAt = claimHeld(ARGV[1], now)
if not claim then return 0 end

local size = tonumber(string.match(claim, ' (%d+)'))
local left, count = {}, 0
for handle in string.gmatch(claim, HANDLE) do
  left[handle] = true
  count = count + 1
end
local groups, soonest = {}, nil

local function settle(kind, handle, group, at, code, detail)
  if not left[handle] then return end
  left[handle] = nil
  count = count - 1
  if group ~= '' then groups[group] = true end
  local id, stream = string.sub(handle, 2), streamOf(handle)
  if kind == 'done' then
    drop(handle, group)
  elseif kind == 'dead' or kind == 'untried' then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then bury(handle, group, entry[2][2], triesOf(handle)[1] + (kind == 'dead' and 1 or 0), code, detail) end
  else
    if kind == 'retry' then
      redis.call('HSET', TRIES, handle, cmsgpack.pack({ triesOf(handle)[1] + 1, code, detail }))
    end
    if group == '' then
      if at <= now then at = sentAt(id) end
      redis.call('ZADD', DUE, at, handle)
      if not soonest or at < soonest then soonest = at end
    elseif at > now then
      redis.call('ZADD', GDUE, at, id)
    end
  end
end

for i = 2, #ARGV, 6 do
  settle(ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4], ARGV[i + 5])
end

-- A group stays in this claim's hands while one of its messages does: those are among the first of its list.
for group in pairs(groups) do
  local isHeld = false
  if count > 0 then
    for _, id in ipairs(redis.call('LRANGE', listOf(group), 0, size - 1)) do
      isHeld = isHeld or left['l' .. id]
    end
  end
  if not isHeld then
    local at = lineUp(group, now)
    if at and (not soonest or at < soonest) then soonest = at end
  end
end

if count == 0 then
  endClaim(claim)
else
  keepPart(claim, expiresAt, left)
end
if soonest then announceTime(now, soonest) end
return 1
