#!lua flags=allow-oom
--[[
A page of messages, oldest first, without taking them.

ARGV  1  state: 'ready', 'delayed', 'in-flight', 'dead'
      2  messages, at most
      3  where the page before ended, in :now or :dead; '' for the beginning
      4  where it ended in :later; '' for the beginning
Returns  {where this page ends in :now or :dead, in :later ('' both where nothing follows), JSON..., v...}; JSON, for each message:
         {handle, attempts, code, detail of the cause before} and of a dead letter {id, attempts, code, detail, sent at, code and
         detail of the cause before}
]]
local retention, deadRetention = unpack(redis.call('HMGET', META, 'retention', 'deadRetention'))
if not retention then return { '', '' } end
local now = clock()
expireLeases(now)
sweep(now, tonumber(retention), tonumber(deadRetention))
local state, limit = ARGV[1], tonumber(ARGV[2])
-- Entries of other states that one call walks over, at most: then the page is short, and the next one goes on from there.
local PATIENCE = 2000
local infos, values = {}, {}

local function after(position)
  if position == '' then return '-' else return '(' .. position end
end

local function answer(first, second)
  local reply = { first, second }
  for _, info in ipairs(infos) do reply[#reply + 1] = cjson.encode(info) end
  for _, v in ipairs(values) do reply[#reply + 1] = v end
  return reply
end

if state == 'dead' then
  local entries = redis.call('XRANGE', base .. ':dead', after(ARGV[3]), '+', 'COUNT', limit + 1)
  for i = 1, math.min(limit, #entries) do
    local f = entries[i][2]
    infos[i] = { entries[i][1], tonumber(f[6]), f[8], f[10], tonumber(f[12]), f[14], f[16] }
    values[i] = f[2]
  end
  return answer(#entries > limit and entries[limit][1] or '', '')
end

local held = inFlight()

local function isDelayed(kind, id)
  local at = redis.call('ZSCORE', DUE, kind .. id) or kind == 'l' and redis.call('ZSCORE', GDUE, id)
  return at and tonumber(at) > now
end

-- Walks one stream, an entry at a time. `entry` is the next one of the wanted state, `position` the last one that was looked at.
local function walk(stream, kind, position)
  local source = { position = position, kind = kind, chunk = {}, i = 0 }
  local seen, steps = position, 0
  -- Ids of what is in flight are known: no walk past what is not.
  local flying
  if state == 'in-flight' then
    flying = {}
    for handle in pairs(held) do
      local id = string.sub(handle, 2)
      if string.sub(handle, 1, 1) == kind and not (position ~= '' and isBefore(id, position)) then
        table.insert(flying, id)
      end
    end
    table.sort(flying, function(a, b) return a ~= b and isBefore(a, b) end)
  end

  local function look()
    source.i = source.i + 1
    if flying then
      local id = flying[source.i]
      return id and redis.call('XRANGE', stream, id, id)[1]
    end
    if source.i > #source.chunk then
      source.chunk = redis.call('XRANGE', stream, after(seen), '+', 'COUNT', math.min(limit + 1, 20))
      source.i = 1
    end
    return source.chunk[source.i]
  end

  function source.step()
    source.entry = nil
    while steps < PATIENCE do
      local entry = look()
      if not entry then
        source.isOver = true
        return
      end
      steps = steps + 1
      seen = entry[1]
      if flying or not held[kind .. seen] and (isDelayed(kind, seen) or false) == (state == 'delayed') then
        source.entry = entry
        return
      end
      source.position = seen
    end
  end
  source.step()
  return source
end

local fresh, later = walk(NOW, 'n', ARGV[3]), walk(LATER, 'l', ARGV[4])
while #infos < limit and (fresh.entry or later.entry) do
  -- A stream whose walk has run out of patience hides what comes next, so the page ends here.
  if not fresh.entry and not fresh.isOver or not later.entry and not later.isOver then break end
  local source = later
  if not later.entry or fresh.entry and isBefore(fresh.entry[1], later.entry[1]) then source = fresh end
  local handle = source.kind .. source.entry[1]
  local tries = triesOf(handle)
  infos[#infos + 1] = { handle, tries[1] + (state == 'in-flight' and 1 or 0), tries[2], tries[3] }
  values[#values + 1] = source.entry[2][2]
  source.position = source.entry[1]
  source.step()
end
if fresh.isOver and later.isOver and not fresh.entry and not later.entry then return answer('', '') end
return answer(fresh.position == '' and '0-0' or fresh.position, later.position == '' and '0-0' or later.position)
