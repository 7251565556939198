#!lua flags=allow-oom
-- A word from a node: its members stay for another lease. Whoever sits on a node
-- that has been silent for a lease leaves. Repeats Room::touch and Room::expire.
-- KEYS  members room log channel
-- ARGV  node lease ttl period age seen_epoch seen_seq next_epoch
-- Gives OK epoch seq version moves, or ENOROOM, or ELEASE when this node itself was
--       taken for dead.
local members, room, log, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local node = ARGV[1]
local lease, ttl, period, age = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, seq, version, moves, first, mine = unpack(redis.call('HMGET', room, 'e', 's', 'v', 'm', 'x', 'n:' .. node))
if not epoch then
  return { 'ENOROOM' }
end
if not mine then
  return { 'ELEASE' }
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
        return { 'ENOROOM' }
      end
    end
  end
  redis.call('HSET', room, 'x', next_end)
end

-- This node has seen more of this life than there is: see say.lua.
if epoch == ARGV[6] and tonumber(ARGV[7]) > tonumber(seq) then
  epoch = ARGV[8]
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
for i = 1, 3 do
  redis.call('PEXPIREAT', KEYS[i], now + ttl)
end
return { 'OK', epoch, seq, tostring(version), moves }
