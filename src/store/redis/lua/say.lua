#!lua
-- Adds an entry to the log and publishes it to every node. Repeats Room::say.
-- KEYS  room log channel
-- ARGV  member n text seen [draw]
--       seen: epoch and seq that the sender's node has got, with a space between, or nothing
--       draw: n is empty, and is to follow the member's last; a draw that comes again is the same send.
--       The newest draws are kept, because other sends may come between.
-- Returns 'epoch seq at repeated n', or ENOMEMBER, or ESTALE.
-- Every message comes through here, so this script saves time in three ways:
-- - The limits stand in the script instead of being sent.
-- - Numbers are written by string.format: Redis and tostring take several times as long for it.
-- - Readers of the log skip entries that have grown too old, and renew.lua removes them.
local keep, most, age = HISTORY_LEN, HISTORY_BYTES, HISTORY_AGE
local call, format = redis.call, string.format
local room, log, channel, member, n, text = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]

local epoch, seq, bytes, seat, last = unpack(call('HMGET', room, 'e', 's', 'b', 'u:' .. member, 'd:' .. member))
if not seat then
  return 'ENOMEMBER'
end
local time = call('TIME')
local now = format('%s%03d', time[1], time[2] / 1000)
local draw, drawn = ARGV[5], nil
if draw then
  drawn = call('HGET', room, 'w:' .. member) or ''
  local answer, its_n = string.match(';' .. drawn, ';' .. draw .. ' (%d+ %d+) (%d+);')
  if answer then
    -- Not marked as repeated, because the sender knows of one try only.
    return epoch .. ' ' .. answer .. ' 0 ' .. its_n
  end
  local last_n = last and string.match(last, '^%d+') or '0'
  if tonumber(last_n) >= MAX_N then
    return 'ESTALE'
  end
  n = format('%.0f', last_n + 1)
elseif last then
  local last_n = string.match(last, '^%d+')
  if n == last_n then
    return epoch .. string.sub(last, #last_n + 1) .. ' 1 ' .. n
  end
  -- Compared as strings, because Lua's numbers end at 2^53.
  if #n < #last_n or (#n == #last_n and n < last_n) then
    local entries = call('LRANGE', log, 0, -1)
    for i = #entries, 1, -1 do
      local said_seq, said_at, from, said_n = string.match(entries[i], '^(%d+) (%d+) (%x+) (%d+) ')
      if from == member and said_n == n and said_at + age > tonumber(now) then
        return epoch .. ' ' .. said_seq .. ' ' .. said_at .. ' 1 ' .. n
      end
    end
    return 'ESTALE'
  end
end

-- The sender's node has seen more of this epoch than there is: a failover lost
-- writes, and numbers would be used twice. The log goes on in a new epoch.
if ARGV[4] ~= epoch .. ' ' .. seq then
  local seen_epoch, seen_seq = string.match(ARGV[4], '^(%x+) (%d+)$')
  if epoch == seen_epoch and tonumber(seen_seq) > tonumber(seq) then
    -- Epochs are written without leading zeros.
    epoch = '1' .. string.sub(redis.sha1hex(epoch .. member .. n .. now), 1, 15)
    call('HSET', room, 'e', epoch)
    call('SPUBLISH', channel, 'R ' .. epoch)
  end
end

seq = format('%d', seq + 1)
bytes = bytes + #text
local name = string.match(seat, '^%S+ %S+ %S+ %S+ %S+ (.*)$')
local entry = seq .. ' ' .. now .. ' ' .. member .. ' ' .. n .. ' ' .. name .. '\n' .. text
local length = call('RPUSH', log, entry)
-- Bytes of text in the log, kept as a running sum so that no script has to read the whole log.
if length == 1 then
  if bytes > #text then
    -- Redis has dropped the log. Entries already published cannot be taken back: the log goes on in a new epoch.
    epoch = '1' .. string.sub(redis.sha1hex(epoch .. member .. n .. now), 1, 15)
    call('HSET', room, 'e', epoch)
    call('SPUBLISH', channel, 'R ' .. epoch)
  end
  bytes = #text
  -- A list that is new again must not outlive its room.
  call('PEXPIREAT', log, call('PEXPIRETIME', room))
end
while length > keep or (bytes > most and length > 1) do
  local oldest = call('LPOP', log)
  length = length - 1
  bytes = bytes - (#oldest - (string.find(oldest, '\n', 1, true) or 0))
end
call('HSET', room, 's', seq, 'b', format('%d', bytes), 'd:' .. member, n .. ' ' .. seq .. ' ' .. now)
if draw then
  -- About eight draws. The last may be cut off, and then matches nothing.
  local answer = draw .. ' ' .. seq .. ' ' .. now .. ' ' .. n .. ';'
  call('HSET', room, 'w:' .. member, string.sub(answer .. drawn, 1, 512))
end
call('SPUBLISH', channel, 'M ' .. epoch .. ' ' .. entry)
return epoch .. ' ' .. seq .. ' ' .. now .. ' 0 ' .. n
