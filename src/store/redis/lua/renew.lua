-- A node renews its lease in any number of rooms: its members stay for another lease.
-- Members of a node that has been silent for a lease leave. Repeats Room::touch and Room::expire.
-- KEYS  (members room log channel files)*
-- ARGV  node lease ttl period age next_epoch (seen)*
--       seen: epoch and seq that this node has got of the room, with a space between
-- Returns for each room 'epoch seq version moves', or ENOROOM, or ELEASE when this node itself was taken for dead,
--       or 'EBROKEN why' when the room's keys hold what no script of ours wrote.
-- Numbers are written by string.format: Redis and tostring take several times as long for it.
local call, format = redis.call, string.format
local node, next_epoch = ARGV[1], ARGV[6]
local lease, ttl, period, age = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local my_lease, my_end = 'n:' .. node, format('%d', now + lease)

-- Removes the members of dead nodes. Returns the version after that, or nothing if
-- the room is deleted, and when the next lease ends.
local function reap(members, room, log, channel, files, epoch, version, rules)
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
  local count, gone = call('SCARD', members), {}
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'u:' then
      local holder, joined, name = string.match(fields[i + 1], '^(%S+) %S+ %S+ %S+ (%S+) (.*)$')
      if dead[holder] then
        local member = string.sub(fields[i], 3)
        call('SREM', members, member)
        forget_member(room, member)
        gone[#gone + 1] = member
        version = call('HINCRBY', room, 'v', 1)
        count = count - 1
        call('SPUBLISH', channel, 'L ' .. epoch .. ' ' .. version .. ' ' .. count
          .. ' node_lost ' .. member .. ' ' .. joined .. ' ' .. name)
      end
    end
  end
  if count == 0 then
    call('UNLINK', members, room, log, files)
    return nil
  end
  return pass_on(room, channel, epoch, count, rules, gone) or version, next_end
end

-- Whether Redis has dropped the log, or the newest of it. Returns the bytes of text that are left.
local function lost(room, log, seq)
  local newest = call('LINDEX', log, -1)
  if newest and string.match(newest, '^%d+') == seq or not newest and call('HGET', room, 'b') == '0' then
    return nil
  end
  -- The newest entry may be an amendment.
  local kept = newest and call('HGET', room, 'a')
  if kept and (string.match(kept, '^.*\30(%d+)') or string.match(kept, '^%d+')) == seq then
    return nil
  end
  local left = 0
  for _, entry in ipairs(call('LRANGE', log, 0, -1)) do
    left = left + #entry - string.find(entry, '\n', 1, true)
  end
  return left
end

-- Where Redis has dropped the set of members, the hash knows them.
local function list_again(members, room)
  if call('SCARD', members) > 0 then
    return
  end
  local fields = call('HGETALL', room)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'u:' then
      call('SADD', members, string.sub(fields[i], 3))
    end
  end
end

local function renew(members, room, log, channel, files, seen)
  local epoch, seq, version, moves, first, ends = unpack(call('HMGET', room, 'e', 's', 'v', 'm', 'x', my_lease))
  if not epoch then
    return 'ENOROOM'
  end
  if not ends then
    return 'ELEASE'
  end
  call('HSET', room, my_lease, my_end)

  -- Once a lease: the work below can wait that long.
  if tonumber(first) <= now then
    local next_end, rules = now + lease, call('HGET', room, 'r')
    list_again(members, room)
    -- This node's own last renewal is old: either the store or the node was away. Let the other
    -- nodes come back before any node is taken for dead.
    if now - (ends - lease) <= 2 * period then
      version, next_end = reap(members, room, log, channel, files, epoch, version, rules)
      if not version then
        return 'ENOROOM'
      end
      -- A node may have brought the room back without its host.
      rules = call('HGET', room, 'r')
      local host = string.match(rules or '', '^(%x%S+) ')
      if host and not call('HGET', room, 'u:' .. plain(host)) then
        version = pass_on(room, channel, epoch, call('SCARD', members), rules, { plain(host) }) or version
      end
    end
    call('HSET', room, 'x', format('%d', next_end))
    local left = lost(room, log, seq)
    if left then
      epoch = next_epoch
      call('HSET', room, 'e', epoch, 'b', format('%d', left))
      call('SPUBLISH', channel, 'R ' .. epoch)
    end
    local kept_for = age_within(rules, age)
    sweep(room, log, now, kept_for)
    sweep_files(files, now, kept_for)
    for _, key in ipairs({ members, room, log, files }) do
      call('PEXPIREAT', key, expiry(rules, now, ttl, lease))
    end
  end

  -- This node has seen more of this epoch than there is: see say.lua.
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
for i = 1, #KEYS / 5 do
  local key = 5 * i
  -- A spoiled room must not cost the others their renewal.
  local done, line = pcall(renew, KEYS[key - 4], KEYS[key - 3], KEYS[key - 2], KEYS[key - 1], KEYS[key], ARGV[6 + i])
  reply[i] = done and line or 'EBROKEN ' .. (type(line) == 'table' and line.err or tostring(line))
end
return reply
