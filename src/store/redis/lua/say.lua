#!lua
-- Adds a member's messages to the log and publishes each to every node. Repeats Room::publish for messages that are only
-- a text.
-- KEYS  room log channel
-- ARGV  member seen draw (n text)*
--       seen: epoch and seq that the sender's node has got, with a space between, or nothing
--       n: nothing where the entry is to follow the member's last
--       draw: of several entries, or of one without n. A draw that comes again is the same call, whose answer was
--       lost. Of calls with one entry the newest draws are kept, because other sends may come between.
-- Returns ENOMEMBER, or a line for each entry: 'epoch seq at repeated n', ESTALE or EMUTED.
-- Every message comes through here, so this script saves time in four ways:
-- - Entries that came together are added together.
-- - The limits stand in the script instead of being sent.
-- - Numbers are written by string.format: Redis and tostring take several times as long for it.
-- - Readers of the log skip entries that have grown too old, and renew.lua removes them.
local keep, most, age = HISTORY_LEN, HISTORY_BYTES, HISTORY_AGE
local call, format, match = redis.call, string.format, string.match
local room, log, channel, member, seen = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]

local epoch, seq, bytes, session, last, muted, rule =
  unpack(call('HMGET', room, 'e', 's', 'b', 'u:' .. member, 'd:' .. member, 'z:' .. member, 'g'))
if not session then
  return 'ENOMEMBER'
end
if rule then
  age = math.min(age, tonumber(rule))
end
local time = call('TIME')
local now = format('%s%03d', time[1], time[2] / 1000)
local name = match(session, '^%S+ %S+ %S+ %S+ %S+ (.*)$')
local draw, single = ARGV[3], #ARGV == 5
local drawn
if draw ~= '' then
  drawn = call('HGET', room, (single and 'w:' or 'b:') .. member) or ''
  if single then
    local answer, its_n = match(';' .. drawn, ';' .. draw .. ' (%d+ %d+) (%d+);')
    if answer then
      -- Not marked as repeated, because the sender knows of one try only.
      return epoch .. ' ' .. answer .. ' 0 ' .. its_n
    end
  else
    local its_draw, answer = match(drawn, '^(%d+)\n(.*)$')
    if its_draw == draw then
      return answer
    end
  end
end

local entries, added, known, answer, lines, new_epoch = {}, 0, nil, nil, nil, nil
for i = 4, #ARGV, 2 do
  local n, text = ARGV[i], ARGV[i + 1]
  local last_n = last and match(last, '^%d+')
  local line
  if n == '' then
    if last and tonumber(last_n) >= MAX_N then
      line = 'ESTALE'
    else
      n = format('%.0f', (last_n or 0) + 1)
    end
  elseif n == last_n then
    line = epoch .. string.sub(last, #last_n + 1) .. ' 1 ' .. n
  -- Compared as strings, because Lua's numbers end at 2^53.
  elseif last and (#n < #last_n or (#n == #last_n and n < last_n)) then
    if not known then
      -- The member's entries by n: where each is, and how many entries and bytes the log has from it on. The new
      -- entries belong to the log already.
      known = {}
      local count, size = 0, 0
      local function note(entry)
        local said_seq, said_at, from, said_n = match(entry, '^(%d+) (%d+) (%x+) (%d+) ')
        if from == member and said_at + age > tonumber(now) then
          known[said_n] = { said_seq .. ' ' .. said_at, count, size }
        end
      end
      local kept = call('LRANGE', log, 0, -1)
      for at = #kept, 1, -1 do
        count, size = count + 1, size + #kept[at] - (string.find(kept[at], '\n', 1, true) or 0)
        note(kept[at])
      end
      -- No message pushes an amendment out.
      count, size = -math.huge, -math.huge
      for entry in string.gmatch(call('HGET', room, 'a') or '', '[^\30]+') do
        note(entry)
      end
      count, size = 0, 0
      for _, entry in ipairs(entries) do
        note(entry)
        count, size = count - 1, size - #entry + string.find(entry, '\n', 1, true)
      end
    end
    -- What the new entries have pushed out of the log is stale.
    local first = known[n]
    local count, size = first and first[2] + #entries, first and first[3] + added
    if first and count <= keep and (size <= most or count == 1) then
      line = epoch .. ' ' .. first[1] .. ' 1 ' .. n
    else
      line = 'ESTALE'
    end
  end
  if not line and muted then
    line = 'EMUTED'
  elseif not line then
    -- The sender's node has seen more of this epoch than there is: a failover lost writes, and numbers would be
    -- used twice. The log goes on in a new epoch.
    if seen ~= '' and #entries == 0 and seen ~= epoch .. ' ' .. seq then
      local seen_epoch, seen_seq = match(seen, '^(%x+) (%d+)$')
      if epoch == seen_epoch and tonumber(seen_seq) > tonumber(seq) then
        new_epoch = '1' .. string.sub(redis.sha1hex(epoch .. member .. n .. now), 1, 15)
        epoch = new_epoch
      end
    end
    seq = format('%d', seq + 1)
    added = added + #text
    entries[#entries + 1] = seq .. ' ' .. now .. ' ' .. member .. ' ' .. n .. ' ' .. name .. '\n' .. text
    last = n .. ' ' .. seq .. ' ' .. now
    line = epoch .. ' ' .. seq .. ' ' .. now .. ' 0 ' .. n
    if known then
      known[n] = { seq .. ' ' .. now, 1 - #entries, #text - added }
    end
  end
  if answer then
    lines = lines or { answer }
    lines[#lines + 1] = line
  end
  answer = line
end
answer = lines and table.concat(lines, '\n') or answer
if #entries == 0 then
  return answer
end

bytes = bytes + added
local length = call('RPUSH', log, unpack(entries))
-- Bytes of text in the log, kept as a running sum so that no script has to read the whole log.
if length == #entries then
  if bytes > added then
    -- Redis has dropped the log. Entries already published cannot be taken back: the log goes on in a new epoch.
    new_epoch = '1' .. string.sub(redis.sha1hex(epoch .. member .. last .. now), 1, 15)
    answer = string.gsub(answer, '%f[^%z\n]' .. epoch, new_epoch)
    epoch = new_epoch
  end
  bytes = added
  -- A list that is new again must not outlive its room.
  call('PEXPIREAT', log, call('PEXPIRETIME', room))
end
local gone
if length > keep + 1 then
  for _, oldest in ipairs(call('LPOP', log, length - keep)) do
    local head = string.find(oldest, '\n', 1, true) or 0
    bytes = bytes - (#oldest - head)
    if string.byte(oldest, head + 1) == 16 then
      gone = gone or {}
      gone[#gone + 1] = oldest
    end
  end
  length = keep
end
while length > keep or (bytes > most and length > 1) do
  local oldest = call('LPOP', log)
  local head = string.find(oldest, '\n', 1, true) or 0
  length = length - 1
  bytes = bytes - (#oldest - head)
  if string.byte(oldest, head + 1) == 16 then
    gone = gone or {}
    gone[#gone + 1] = oldest
  end
end
if gone then
  -- Their files go in the same step. The key is named here, because hardly any message needs it.
  local files = string.sub(room, 1, -2) .. 'f'
  for _, entry in ipairs(gone) do
    local words = match(entry, '^[^\n]*\n\16m%d+ %d+ (%S+) ')
    for id, size in string.gmatch(words or '', '(%x+):(%d+):[^,]*') do
      call('HDEL', files, id)
      for piece = 0, (size - 1) / FILE_CHUNK do
        call('HDEL', files, format('%s.%d', id, piece))
      end
    end
  end
end
call('HSET', room, 's', seq, 'b', format('%d', bytes), 'd:' .. member, last)
if drawn and single then
  -- About eight draws. The last may be cut off, and then matches nothing.
  drawn = draw .. ' ' .. seq .. ' ' .. now .. ' ' .. match(last, '^%d+') .. ';' .. drawn
  call('HSET', room, 'w:' .. member, string.sub(drawn, 1, 512))
elseif drawn then
  call('HSET', room, 'b:' .. member, draw .. '\n' .. answer)
end
if new_epoch then
  call('HSET', room, 'e', epoch)
  call('SPUBLISH', channel, 'R ' .. epoch)
end
for i = 1, #entries do
  call('SPUBLISH', channel, 'M ' .. epoch .. ' ' .. entries[i])
end
return answer
