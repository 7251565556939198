#!lua flags=allow-oom
-- A word from a node, for any number of rooms: its members stay for another lease.
-- Whoever sits on a node that has been silent for a lease leaves. Repeats Room::touch
-- and Room::expire.
-- KEYS  (members room log channel)*
-- ARGV  node lease ttl period age next_epoch (seen)*
--       seen: epoch and seq that this node has heard of the room, with a space between
-- Gives for each room 'epoch seq version moves', or ENOROOM, or ELEASE when this
--       node itself was taken for dead.
-- Numbers are written by string.format: Redis and tostring take several times as long for it.
local call, format = redis.call, string.format
local node, next_epoch = ARGV[1], ARGV[6]
local lease, ttl, period, age = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine, my_end = 'n:' .. node, format('%d', now + lease)

-- Takes those away who sit on dead nodes. Gives the version after that, or nothing if
-- the room is over, and when the next lease ends.
local function reap(members, room, log, channel, epoch, version)
  local fields, dead, any, next_end = call('HGETALL', room), {}, false, now + lease
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'n:' then
      local ends = tonumber(fields[i + 1])
      if ends <= now then
        dead[string.sub(fields[i], 3)] = true
        any = true
        call('HDEL', room, fields[i])
      elseif ends < next_end then
        next_end = ends
      end
    end
  end
  if not any then
    return version, next_end
  end
  local heads = call('SCARD', members)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'u:' then
      local holder, joined, name = string.match(fields[i + 1], '^(%S+) %S+ %S+ %S+ (%S+) (.*)$')
      if dead[holder] then
        local member = string.sub(fields[i], 3)
        call('SREM', members, member)
        call('HDEL', room, fields[i], 'd:' .. member, 'c:' .. member, 'w:' .. member)
        version = call('HINCRBY', room, 'v', 1)
        heads = heads - 1
        call('SPUBLISH', channel, 'L ' .. epoch .. ' ' .. version .. ' ' .. heads
          .. ' node_lost ' .. member .. ' ' .. joined .. ' ' .. name)
      end
    end
  end
  if heads == 0 then
    call('UNLINK', members, room, log)
    return nil
  end
  return version, next_end
end

-- Takes away what is too old to be shown.
local function sweep(room, log)
  local aged, bytes = 0, 0
  local oldest = call('LINDEX', log, 0)
  while oldest and tonumber(string.match(oldest, '^%d+ (%d+)')) + age <= now do
    aged = aged + 1
    bytes = bytes + #oldest - string.find(oldest, '\n', 1, true)
    oldest = call('LINDEX', log, aged)
  end
  if aged > 0 then
    call('LTRIM', log, aged, -1)
    call('HINCRBY', room, 'b', -bytes)
  end
end

local function renew(members, room, log, channel, seen)
  local epoch, seq, version, moves, first, ends = unpack(call('HMGET', room, 'e', 's', 'v', 'm', 'x', mine))
  if not epoch then
    return 'ENOROOM'
  end
  if not ends then
    return 'ELEASE'
  end
  call('HSET', room, mine, my_end)

  -- Once a lease: what this may be late for can wait that long.
  if tonumber(first) <= now then
    local next_end = now + lease
    -- My own last word is old: then the store was away, or I was. Let the others
    -- come back before anybody is taken for dead.
    if now - (ends - lease) <= 2 * period then
      version, next_end = reap(members, room, log, channel, epoch, version)
      if not version then
        return 'ENOROOM'
      end
    end
    call('HSET', room, 'x', format('%d', next_end))
    sweep(room, log)
    for _, key in ipairs({ members, room, log }) do
      call('PEXPIREAT', key, format('%d', now + ttl))
    end
  end

  -- This node has seen more of this life than there is: see say.lua.
  if seen ~= epoch .. ' ' .. seq then
    local seen_epoch, seen_seq = string.match(seen, '^(%x+) (%d+)$')
    if epoch == seen_epoch and tonumber(seen_seq) > tonumber(seq) then
      epoch = next_epoch
      call('HSET', room, 'e', epoch)
      call('SPUBLISH', channel, 'R ' .. epoch)
    end
  end
  return epoch .. ' ' .. seq .. ' ' .. version .. ' ' .. moves
end

local reply = {}
for i = 1, #KEYS / 4 do
  local key = 4 * i
  reply[i] = renew(KEYS[key - 3], KEYS[key - 2], KEYS[key - 1], KEYS[key], ARGV[6 + i])
end
return reply
