#!lua flags=allow-oom
-- Gives a member another name. Repeats Room::rename.
-- KEYS  members room log channel
-- ARGV  member name
-- Returns OK, ENOMEMBER, or EVERIFIED for a member that has an account's name.
local members, room, channel, member, name = KEYS[1], KEYS[2], KEYS[4], ARGV[1], ARGV[2]
local epoch, session = unpack(redis.call('HMGET', room, 'e', 'u:' .. member))
if not session then
  return { 'ENOMEMBER' }
end
local seat, before = string.match(session, '^(%S+ %S+ %S+ %S+ %S+ )(.*)$')
-- A verified name begins with this character, which is no part of it.
local function text(of)
  return (string.gsub(of, '^\1', ''))
end
if text(before) == text(name) then
  return { 'OK' }
end
if string.byte(before) == 1 then
  return { 'EVERIFIED' }
end
redis.call('HSET', room, 'u:' .. member, seat .. name)
local version, count = redis.call('HINCRBY', room, 'v', 1), redis.call('SCARD', members)
redis.call('SPUBLISH', channel,
  'N ' .. epoch .. ' ' .. version .. ' ' .. count .. ' ' .. member .. ' ' .. name .. '\n' .. before)
return { 'OK' }
