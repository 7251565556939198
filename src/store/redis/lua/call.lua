#!lua flags=allow-oom
-- Records that a member joined or left the video call. A mark only grows. Repeats Room::call.
-- KEYS  members room log channel
-- ARGV  member mark
-- Returns OK or ENOMEMBER.
local room, channel = KEYS[2], KEYS[4]
local session, mark = unpack(redis.call('HMGET', room, 'u:' .. ARGV[1], 'c:' .. ARGV[1]))
if not session then
  return { 'ENOMEMBER' }
end
if tonumber(ARGV[2]) > tonumber(mark or '0') then
  redis.call('HSET', room, 'c:' .. ARGV[1], ARGV[2])
  redis.call('SPUBLISH', channel, 'C ' .. ARGV[1] .. ' ' .. ARGV[2])
end
return { 'OK' }
