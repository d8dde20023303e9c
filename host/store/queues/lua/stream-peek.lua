#!lua flags=allow-oom
--[[
A page of the dead letters of a stream that other programs write to, oldest first by when they died.

KEYS[2]  the stream
ARGV  1  dead letters, at most
      2  bytes of fields and values, at most; the first one is given whatever its size
      3  id in :dead of the last one of the page before, '' for the beginning
      4  how long dead letters are kept, ms
Returns  {id in :dead where this page ends ('' where nothing follows), {id in :dead, {field, value, ...}}...}
]]
local dead = base .. ':dead'
redis.call('XTRIM', dead, 'MINID', math.max(0, clock() - tonumber(ARGV[4])))
local limit, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local last, bytes = ARGV[3], 0
local page = { '' }
while true do
  local entry = redis.call('XRANGE', dead, last == '' and '-' or '(' .. last, '+', 'COUNT', 1)[1]
  if not entry then return page end
  unpackedFields(entry[2], 8)
  for _, text in ipairs(entry[2]) do bytes = bytes + #text end
  if #page > limit or #page > 1 and bytes > maxBytes then
    page[1] = last
    return page
  end
  page[#page + 1] = entry
  last = entry[1]
end
