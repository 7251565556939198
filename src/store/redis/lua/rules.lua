-- Changes the rules of a room, if they are still those that the change was computed from. Members may leave in the same
-- step. Repeats Room::decide and Room::end_knock with what RoomRules says.
-- KEYS  members room log channel files
-- ARGV  by expected rules lease ttl needed version kicked*
--       by: the member that decides, or empty
--       needed: a member without whom the change has no sense, or empty
--       version: the room's version from which the change was computed, or empty where members may come and go
-- Returns OK epoch version, or ENOROOM, ENOMEMBER where `by` is no member, or ECHANGED.
local members, room, log, channel, files = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local by, expected, rules, needed = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local lease, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, version, current = unpack(redis.call('HMGET', room, 'e', 'v', 'r'))
if not epoch then
  return { 'ENOROOM' }
end
if by ~= '' and not redis.call('HGET', room, 'u:' .. by) then
  return { 'ENOMEMBER' }
end
current = current or ''
if current == rules then
  -- The same change again: its answer was lost.
  return { 'OK', epoch, version }
end
if current ~= expected or (ARGV[7] ~= '' and version ~= ARGV[7])
  or (needed ~= '' and not redis.call('HGET', room, 'u:' .. needed)) then
  return { 'ECHANGED' }
end

for i = 8, #ARGV do
  local member = ARGV[i]
  local session = redis.call('HGET', room, 'u:' .. member)
  if session then
    local joined, name = string.match(session, '^%S+ %S+ %S+ %S+ (%S+) (.*)$')
    redis.call('SREM', members, member)
    forget_member(room, member)
    forget_uploads(files, member)
    version = redis.call('HINCRBY', room, 'v', 1)
    redis.call('SPUBLISH', channel, 'L ' .. epoch .. ' ' .. version .. ' ' .. redis.call('SCARD', members)
      .. ' kicked ' .. member .. ' ' .. joined .. ' ' .. name)
  end
end
-- What was too old already must not come back where messages are kept for longer.
local age, age_before = age_within(rules, HISTORY_AGE), age_within(current, HISTORY_AGE)
if age ~= age_before then
  sweep(room, log, now, math.min(age, age_before))
  sweep_files(files, now, math.min(age, age_before))
end
set_rules(room, current, rules)
version = publish_rules(room, channel, epoch, redis.call('SCARD', members), rules)
for _, i in ipairs({ 1, 2, 3, 5 }) do
  redis.call('PEXPIREAT', KEYS[i], expiry(rules, now, ttl, lease))
end
return { 'OK', epoch, tostring(version) }
