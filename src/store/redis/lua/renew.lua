#!lua flags=allow-oom
-- A word from a node, for any number of rooms: its members stay for another lease.
-- Whoever sits on a node that has been silent for a lease leaves. Repeats Room::touch
-- and Room::expire.
-- KEYS  (members room log channel)*
-- ARGV  node lease ttl period age next_epoch (seen_epoch seen_seq)*
-- Gives for each room OK epoch seq version moves, or ENOROOM, or ELEASE when this
--       node itself was taken for dead.
local node, next_epoch = ARGV[1], ARGV[6]
local lease, ttl, period, age = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function renew(members, room, log, channel, seen_epoch, seen_seq)
  local epoch, seq, version, moves, first, mine = unpack(redis.call('HMGET', room, 'e', 's', 'v', 'm', 'x', 'n:' .. node))
  if not epoch then
    return 'ENOROOM'
  end
  if not mine then
    return 'ELEASE'
  end
  redis.call('HSET', room, 'n:' .. node, now + lease)

  if tonumber(first) <= now then
    local next_end = now + lease
    -- My own last word is old: then the store was away, or I was. Let the others
    -- come back before anybody is taken for dead.
    if now - (mine - lease) <= 2 * period then
      local fields, dead, any = redis.call('HGETALL', room), {}, false
      for i = 1, #fields, 2 do
        if string.sub(fields[i], 1, 2) == 'n:' then
          local ends = tonumber(fields[i + 1])
          if ends <= now then
            dead[string.sub(fields[i], 3)] = true
            any = true
            redis.call('HDEL', room, fields[i])
          elseif ends < next_end then
            next_end = ends
          end
        end
      end
      if any then
        local heads = redis.call('SCARD', members)
        for i = 1, #fields, 2 do
          if string.sub(fields[i], 1, 2) == 'u:' then
            local holder, joined, name = string.match(fields[i + 1], '^(%S+) %S+ %S+ %S+ (%S+) (.*)$')
            if dead[holder] then
              local member = string.sub(fields[i], 3)
              redis.call('SREM', members, member)
              redis.call('HDEL', room, fields[i], 'd:' .. member, 'c:' .. member)
              version = redis.call('HINCRBY', room, 'v', 1)
              heads = heads - 1
              redis.call('SPUBLISH', channel, 'L ' .. epoch .. ' ' .. version .. ' ' .. heads
                .. ' node_lost ' .. member .. ' ' .. joined .. ' ' .. name)
            end
          end
        end
        if heads == 0 then
          redis.call('UNLINK', members, room, log)
          return 'ENOROOM'
        end
      end
    end
    redis.call('HSET', room, 'x', next_end)
  end

  -- This node has seen more of this life than there is: see say.lua.
  if epoch == seen_epoch and tonumber(seen_seq) > tonumber(seq) then
    epoch = next_epoch
    redis.call('HSET', room, 'e', epoch)
    redis.call('SPUBLISH', channel, 'R ' .. epoch)
  end

  local aged, bytes = 0, 0
  local oldest = redis.call('LINDEX', log, 0)
  while oldest and tonumber(string.match(oldest, '^%d+ (%d+)')) + age <= now do
    aged = aged + 1
    bytes = bytes + #oldest - string.find(oldest, '\n', 1, true)
    oldest = redis.call('LINDEX', log, aged)
  end
  if aged > 0 then
    redis.call('LTRIM', log, aged, -1)
    redis.call('HINCRBY', room, 'b', -bytes)
  end
  -- Not every time: what is far from its end needs no longer life.
  if redis.call('PEXPIRETIME', room) - now <= ttl - lease then
    for _, key in ipairs({ members, room, log }) do
      redis.call('PEXPIREAT', key, now + ttl)
    end
  end
  return 'OK', epoch, seq, tostring(version), moves
end

local reply = {}
for i = 0, #KEYS / 4 - 1 do
  local key, seen = 4 * i, 6 + 2 * i
  local words = { renew(KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], KEYS[key + 4], ARGV[seen + 1], ARGV[seen + 2]) }
  for j = 1, #words do
    reply[#reply + 1] = words[j]
  end
end
return reply
