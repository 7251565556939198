-- Ends a session if this node and tag still own it. The last leave deletes
-- every key of the room in this same step. Repeats Room::leave.
-- KEYS  members room log channel files
-- ARGV  member node tag reason lease period undo
--       undo: 1 to end the session only if this owner's join was the member's first
-- Returns OK gone line, or ENOMEMBER, or ETAKEN when this owner may not end the session.
--       line: what was removed, if the room is gone; see ending.lua
local members, room, log, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, node, tag, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lease, period = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, first, my_lease, session, rules =
  unpack(redis.call('HMGET', room, 'e', 'x', 'n:' .. node, 'u:' .. member, 'r'))
if not session then
  return { 'ENOMEMBER' }
end
local at_node, at_tag, new, joined, name = string.match(session, '^(%S+) (%S+) (%S+) %S+ (%S+) (.*)$')
if at_node ~= node or at_tag ~= tag or (ARGV[7] == '1' and new ~= '1') then
  return { 'ETAKEN' }
end

redis.call('SREM', members, member)
forget_member(room, member)
local count = redis.call('SCARD', members)
if count == 0 then
  -- Redis may have dropped the set: the hash knows which other members there are.
  local fields = redis.call('HGETALL', room)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'u:' then
      redis.call('SADD', members, string.sub(fields[i], 3))
      count = count + 1
    end
  end
  if count > 0 then
    redis.call('PEXPIREAT', members, redis.call('PEXPIRETIME', room))
  end
end
-- The remaining members may all belong to nodes that died. Only a node that has renewed
-- in time may say so: otherwise it was the store that was away.
if count > 0 and tonumber(first) <= now and my_lease and now - (my_lease - lease) <= 2 * period then
  local fields, alive, at = redis.call('HGETALL', room), {}, {}
  for i = 1, #fields, 2 do
    local kind, id = string.sub(fields[i], 1, 2), string.sub(fields[i], 3)
    if kind == 'n:' then
      alive[id] = tonumber(fields[i + 1]) > now
    elseif kind == 'u:' then
      at[string.match(fields[i + 1], '^%S+')] = true
    end
  end
  local anybody = false
  for holder in pairs(at) do
    anybody = anybody or alive[holder]
  end
  if not anybody then
    count = 0
  end
end
if count == 0 then
  return { 'OK', '1', end_room(members, room, log, KEYS[5], 'left', 1) }
end
forget_uploads(KEYS[5], member)
local version = redis.call('HINCRBY', room, 'v', 1)
redis.call('SPUBLISH', channel,
  'L ' .. epoch .. ' ' .. version .. ' ' .. count .. ' ' .. reason .. ' ' .. member .. ' ' .. joined .. ' ' .. name)
pass_on(room, channel, epoch, count, rules, { member })
return { 'OK', '0' }
