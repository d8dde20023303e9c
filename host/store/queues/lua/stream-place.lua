#!lua flags=no-writes
--[[
Where a consumer group of a stream that other programs write to stands.

KEYS[2]  the stream
ARGV  1  consumer group
Returns  id of the last entry that the group has seen; '' where there is no such group
]]
local info = groupInfo(KEYS[2], ARGV[1])
return info and info['last-delivered-id'] or ''
