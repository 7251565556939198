#!lua
-- Adds an entry to the log and tells every node. Repeats Room::say.
-- KEYS  members room log channel
-- ARGV  member n text seen_epoch seen_seq next_epoch history_len history_age
-- Gives OK epoch seq at repeated, or ENOMEMBER, or ESTALE.
local room, log, channel = KEYS[2], KEYS[3], KEYS[4]
local member, n = ARGV[1], ARGV[2]
local keep, age = tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, seq, seat, last = unpack(redis.call('HMGET', room, 'e', 's', 'u:' .. member, 'd:' .. member))
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
redis.call('HSET', room, 's', seq, 'd:' .. member, n .. ' ' .. seq .. ' ' .. now)
local length = redis.call('RPUSH', log, entry)
if length == 1 then
  -- A list that is new again must not outlive its room.
  redis.call('PEXPIREAT', log, redis.call('PEXPIRETIME', room))
end
if length > keep then
  redis.call('LTRIM', log, length - keep, -1)
end
local oldest = redis.call('LINDEX', log, 0)
while oldest and tonumber(string.match(oldest, '^%d+ (%d+)')) + age <= now do
  redis.call('LPOP', log)
  oldest = redis.call('LINDEX', log, 0)
end
redis.call('SPUBLISH', channel, 'M ' .. epoch .. ' ' .. entry)
return { 'OK', epoch, tostring(seq), tostring(now), '0' }
