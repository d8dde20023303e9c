#!lua flags=allow-oom
--[[
Ends claims each message of which is done and none of which was in :later: what nearly every batch comes to.

ARGV  claims, as they were when they were made
Returns  for each 1, or 0 where the lease has expired or is over
]]
local now = clock()
local scores = redis.call('ZMSCORE', LEASES, unpack(ARGV))
local answer, ids, claims, names, seen = {}, {}, {}, {}, {}
for i, asked in ipairs(ARGV) do
  local claim
  if not scores[i] then
    claim = claimHeld(asked, now)
  elseif tonumber(scores[i]) > now then
    claim = asked
  end
  answer[i] = 0
  if claim and not seen[asked] then
    answer[i], seen[asked] = 1, true
    claims[#claims + 1], names[#names + 1] = claim, nameOf(claim)
    for id in string.gmatch(claim, '%d+%-%d+') do ids[#ids + 1] = id end
  end
end
if #claims == 0 then return answer end

local hasTries = redis.call('EXISTS', TRIES) == 1
-- No more at a time than Lua's stack takes.
for from = 1, #ids, 1000 do
  local to = math.min(from + 999, #ids)
  redis.call('XDEL', NOW, unpack(ids, from, to))
  if hasTries then
    for i = from, to do ids[i] = 'n' .. ids[i] end
    redis.call('HDEL', TRIES, unpack(ids, from, to))
  end
end
redis.call('ZREM', LEASES, unpack(claims))
if redis.call('EXISTS', PARTS) == 1 then redis.call('HDEL', PARTS, unpack(names)) end
announceRoom()
return answer
