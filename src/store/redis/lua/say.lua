#!lua
-- Adds an entry to the log and tells every node. Repeats Room::say.
-- KEYS  members room log channel
-- ARGV  member n text seen_epoch seen_seq next_epoch history_len history_age history_bytes
-- Gives OK epoch seq at repeated, or ENOMEMBER, or ESTALE.
local room, log, channel = KEYS[2], KEYS[3], KEYS[4]
local member, n = ARGV[1], ARGV[2]
local keep, age, most = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, seq, bytes, seat, last = unpack(redis.call('HMGET', room, 'e', 's', 'b', 'u:' .. member, 'd:' .. member))
if not seat then
  return { 'ENOMEMBER' }
end
if last then
  local last_n, last_seq, last_at = string.match(last, '^(%d+) (%d+) (%d+)$')
  if n == last_n then
    return { 'OK', epoch, last_seq, last_at, '1' }
  end
  -- As strings, because Lua's numbers end at 2^53.
  if #n < #last_n or (#n == #last_n and n < last_n) then
    local entries = redis.call('LRANGE', log, 0, -1)
    for i = #entries, 1, -1 do
      local said_seq, said_at, from, said_n = string.match(entries[i], '^(%d+) (%d+) (%x+) (%d+) ')
      if from == member and said_n == n and said_at + age > now then
        return { 'OK', epoch, said_seq, said_at, '1' }
      end
    end
    return { 'ESTALE' }
  end
end

seq = tonumber(seq)
-- The sender's node has seen more of this life than there is: a failover lost
-- writes, and numbers would be given out twice. The log goes on in a new life.
if epoch == ARGV[4] and tonumber(ARGV[5]) > seq then
  epoch = ARGV[6]
  redis.call('HSET', room, 'e', epoch)
  redis.call('SPUBLISH', channel, 'R ' .. epoch)
end

seq = seq + 1
local name = string.match(seat, '^%S+ %S+ %S+ %S+ %S+ (.*)$')
local entry = seq .. ' ' .. now .. ' ' .. member .. ' ' .. n .. ' ' .. name .. '\n' .. ARGV[3]
local length = redis.call('RPUSH', log, entry)
-- Bytes of text in the log, counted on so that nobody has to read all of it.
bytes = bytes + #ARGV[3]
if length == 1 then
  bytes = #ARGV[3]
  -- A list that is new again must not outlive its room.
  redis.call('PEXPIREAT', log, redis.call('PEXPIRETIME', room))
end
local oldest = redis.call('LINDEX', log, 0)
while oldest and (length > keep or (bytes > most and length > 1)
  or tonumber(string.match(oldest, '^%d+ (%d+)')) + age <= now) do
  redis.call('LPOP', log)
  length = length - 1
  bytes = bytes - (#oldest - string.find(oldest, '\n', 1, true))
  oldest = redis.call('LINDEX', log, 0)
end
redis.call('HSET', room, 's', seq, 'b', bytes, 'd:' .. member, n .. ' ' .. seq .. ' ' .. now)
redis.call('SPUBLISH', channel, 'M ' .. epoch .. ' ' .. entry)
return { 'OK', epoch, tostring(seq), tostring(now), '0' }
