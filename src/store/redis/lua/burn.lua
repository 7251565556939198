-- Ends a room for all its members. Repeats Room::check_end and Room::end.
-- KEYS  members room log channel files
-- ARGV  by life line
--       by: the host, or empty where the time of the room is over
--       life and line: of a room that was ended already. A node that has missed it may have brought its members back:
--       they are removed, and all nodes are told again. Another room under the same id is left alone.
-- Returns OK line, or ENOROOM, ENOMEMBER or ENOTHOST.
local members, room, log, channel, files = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local by, life, line = ARGV[1], ARGV[2], ARGV[3]
local epoch, key, rules = unpack(redis.call('HMGET', room, 'e', 'k', 'r'))
if life ~= '' then
  if key and life_of(key) == life then
    redis.call('UNLINK', members, room, log, files)
  end
  redis.call('SPUBLISH', channel, line)
  return { 'OK', line }
end
if not epoch then
  return { 'ENOROOM' }
end
local cause = 'burned'
if by ~= '' then
  if not redis.call('HGET', room, 'u:' .. by) then
    return { 'ENOMEMBER' }
  end
  if string.match(rules or '', '^%S+') ~= dashed(by) then
    return { 'ENOTHOST' }
  end
else
  local time = redis.call('TIME')
  local ends = end_of(rules)
  if ends == 0 or ends > time[1] * 1000 + math.floor(time[2] / 1000) then
    return { 'ENOTHOST' }
  end
  cause = 'expired'
end
line = end_room(members, room, log, files, cause, redis.call('SCARD', members))
redis.call('SPUBLISH', channel, line)
return { 'OK', line }
