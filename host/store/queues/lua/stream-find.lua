#!lua flags=no-writes
--[[
Looks for dead letters of a stream that other programs write to by the times of their entries, which message ids begin with.

KEYS[2]  the stream
ARGV  1  dead letters that are looked at, at most
      2  id in :dead of the last one that was looked at, '' for the beginning
      3. times, ms modulo 2^48
Returns  {id in :dead of the last one that was looked at ('' where nothing follows), id in :dead, id of its entry, ...}
]]
local wanted = {}
for i = 3, #ARGV do wanted[ARGV[i]] = true end
local entries = redis.call('XRANGE', base .. ':dead', ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'COUNT', ARGV[1])
local found = { '' }
for _, entry in ipairs(entries) do
  local time = tonumber(string.match(entry[2][2], '^%d+'))
  if wanted[string.format('%.0f', math.fmod(time, 281474976710656))] then
    found[#found + 1] = entry[1]
    found[#found + 1] = entry[2][2]
  end
end
if #entries == tonumber(ARGV[1]) then found[1] = entries[#entries][1] end
return found
