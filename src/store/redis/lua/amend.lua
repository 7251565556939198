-- Changes a message that is in the log, or answers one, and publishes that to every node. Repeats Room::publish for an
-- entry that is more than a text: see Message and Amendment for how it is written.
-- KEYS  room log channel files
-- ARGV  member seen draw n text, as for say.lua
-- Returns a line as say.lua does, or ENOMEMBER, ESTALE, EMUTED, ENOTARGET, ENOTYOURS, ETOOLATE, EFULL, ENOFILE or EINCOMPLETE.
-- The message is changed in place, so that what was replaced or deleted is nowhere. The field 'a' keeps the newest
-- amendments without texts, for clients that have missed them.
local keep, most, age = HISTORY_LEN, HISTORY_BYTES, HISTORY_AGE
local edit_age, max_reactions, max_amendments = EDIT_AGE, MAX_REACTIONS, MAX_AMENDMENTS
local max_reaction_bytes = MAX_REACTION_BYTES
local call, format, match, sub, find = redis.call, string.format, string.match, string.sub, string.find
local room, log, channel, files = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, seen, draw, n, text = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local epoch, seq, bytes, session, last, kept, muted, rule =
  unpack(call('HMGET', room, 'e', 's', 'b', 'u:' .. member, 'd:' .. member, 'a', 'z:' .. member, 'g'))
if not session then
  return 'ENOMEMBER'
end
if rule then
  age = math.min(age, tonumber(rule))
end
kept = kept or ''
local time = call('TIME')
local now = format('%s%03d', time[1], time[2] / 1000)
local name = match(session, '^%S+ %S+ %S+ %S+ %S+ (.*)$')
local drawn
if draw ~= '' then
  drawn = call('HGET', room, 'w:' .. member) or ''
  local answer, its_n = match(';' .. drawn, ';' .. draw .. ' (%d+ %d+) (%d+);')
  if answer then
    return epoch .. ' ' .. answer .. ' 0 ' .. its_n
  end
end

-- Where an entry of this member with this n is.
local function said(entry)
  local its_seq, its_at, from, its_n = match(entry, '^(%d+) (%d+) (%x+) (%d+) ')
  return from == member and its_n == n and its_at + age > tonumber(now) and its_seq .. ' ' .. its_at
end
local last_n = last and match(last, '^%d+')
if n == '' then
  if last and tonumber(last_n) >= MAX_N then
    return 'ESTALE'
  end
  n = format('%.0f', (last_n or 0) + 1)
elseif n == last_n then
  return epoch .. sub(last, #last_n + 1) .. ' 1 ' .. n
-- Compared as strings, because Lua's numbers end at 2^53.
elseif last and (#n < #last_n or (#n == #last_n and n < last_n)) then
  local place
  for _, entry in ipairs(call('LRANGE', log, 0, -1)) do
    place = place or said(entry)
  end
  for entry in string.gmatch(kept, '[^\30]+') do
    place = place or said(entry)
  end
  return place and epoch .. ' ' .. place .. ' 1 ' .. n or 'ESTALE'
end
-- Its own messages a muted member may delete.
if muted and not match(text, '^\16%d+ d$') then
  return 'EMUTED'
end

-- The message with this number, and where it is in the log.
local function message(wanted)
  local low, high = 0, call('LLEN', log) - 1
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local entry = call('LINDEX', log, middle)
    local its_seq = tonumber(match(entry, '^%d+'))
    if its_seq == wanted then
      return entry, middle
    elseif its_seq < wanted then
      low = middle + 1
    else
      high = middle - 1
    end
  end
end

local answers = tonumber(match(text, '^\16m(%d+) '))
local place, head, before, after, attached, gone
if answers then
  -- A message that the log has no more may be answered; what was never a message may not.
  if answers > tonumber(seq) then
    return 'ENOTARGET'
  end
  for entry in string.gmatch(kept, '[^\30]+') do
    local its_seq, its_at = match(entry, '^(%d+) (%d+)')
    if tonumber(its_seq) == answers and its_at + age > tonumber(now) then
      return 'ENOTARGET'
    end
  end
  -- It names its files by their ids: what is known of them is put in. Repeats Files::attach.
  local first, named, rest = match(text, '^(\16m%d+ %d+ )(%S+)( .*)$')
  if named ~= '-' then
    local words = {}
    attached = {}
    for id in string.gmatch(named, '%x+') do
      local file = call('HGET', files, id)
      local size, received, its_at, from, its_seq, kind, its_name = read_file(file)
      if from ~= member or its_seq ~= '0' or its_at + UPLOAD_AGE <= tonumber(now) then
        return 'ENOFILE'
      end
      if received ~= size then
        return 'EINCOMPLETE'
      end
      words[#words + 1] = id .. ':' .. size .. ':' .. kind .. ':' .. its_name
      attached[#attached + 1] = { id, size .. ' ' .. size .. ' ' .. now .. ' ' .. member .. ' ', ' ' .. kind .. ' ' .. its_name }
    end
    text = first .. table.concat(words, ',') .. rest
  end
else
  local target, change = match(text, '^\16(%d+) (.*)$')
  local entry
  entry, place = message(tonumber(target))
  if not entry then
    return 'ENOTARGET'
  end
  local its_at, from
  head, before = match(entry, '^([^\n]*\n)(.*)$')
  its_at, from = match(head, '^%d+ (%d+) (%x+)')
  if its_at + age <= tonumber(now) or before == '\16x' or match(before, '^\16%d+ [-+de]') then
    return 'ENOTARGET'
  end
  local sign, emoji = match(change, '^([-+]) (.*)$')
  if not sign and from ~= member then
    -- The host deletes any message.
    local host = change == 'd' and match(call('HGET', room, 'r') or '', '^%S+')
    if not host or string.gsub(host, '-', '') ~= member then
      return 'ENOTYOURS'
    end
  end

  local reply, edited, its_files, reactions, words = match(before, '^\16m(%d+) (%d+) (%S+) ([^\n]*)\n(.*)$')
  if not reply then
    reply, edited, its_files, reactions, words = '0', '0', '-', '', match(before, '^\16(\16.*)$') or before
  end
  if sign then
    -- 'emoji=member,member', each with a space before and behind.
    local list = reactions == '' and ' ' or ' ' .. reactions .. ' '
    local first, last_of = find(list, ' ' .. emoji .. '=', 1, true)
    local who = first and match(list, '^[%x,]+', last_of + 1)
    local is_on = who and find(who, member, 1, true) ~= nil or false
    if is_on and sign == '-' then
      local left = sub(string.gsub(',' .. who, ',' .. member, ''), 2)
      if left == '' then
        list = sub(list, 1, first) .. sub(list, last_of + #who + 2)
      else
        list = sub(list, 1, last_of) .. left .. sub(list, last_of + #who + 1)
      end
    elseif not is_on and sign == '+' then
      if #reactions + #emoji + #member > max_reaction_bytes then
        return 'EFULL'
      end
      -- Each takes 33 bytes and more, so that few need not be counted.
      if #reactions >= 33 * max_reactions then
        local _, count = string.gsub(reactions, '[=,]', '')
        if count >= max_reactions then
          return 'EFULL'
        end
      end
      if who then
        list = sub(list, 1, last_of + #who) .. ',' .. member .. sub(list, last_of + #who + 1)
      else
        list = list .. emoji .. '=' .. member .. ' '
      end
    end
    reactions = sub(list, 2, -2)
  elseif change == 'd' then
    after, gone = '\16x', { entry }
  else
    if its_at + edit_age <= tonumber(now) then
      return 'ETOOLATE'
    end
    edited, words = now, match(change, '^e (.*)$')
  end
  if not after then
    if reply == '0' and edited == '0' and its_files == '-' and reactions == '' then
      after = (string.byte(words) == 16 and '\16' or '') .. words
    else
      after = '\16m' .. reply .. ' ' .. edited .. ' ' .. its_files .. ' ' .. reactions .. '\n' .. words
    end
  end
end

-- Nothing has been written before this line, and nothing is refused after it.
local new_epoch
if seen ~= '' and seen ~= epoch .. ' ' .. seq then
  -- See say.lua: a failover lost writes, and the log goes on in a new epoch.
  local seen_epoch, seen_seq = match(seen, '^(%x+) (%d+)$')
  if epoch == seen_epoch and tonumber(seen_seq) > tonumber(seq) then
    new_epoch = '1' .. sub(redis.sha1hex(epoch .. member .. n .. now), 1, 15)
  end
end
seq = format('%d', seq + 1)
local entry = seq .. ' ' .. now .. ' ' .. member .. ' ' .. n .. ' ' .. name .. '\n' .. text
local length
for _, file in ipairs(attached or {}) do
  call('HSET', files, file[1], file[2] .. seq .. file[3])
end
gone = gone or {}
if answers then
  bytes = bytes + #text
  length = call('RPUSH', log, entry)
  if length == 1 then
    if bytes > #text then
      new_epoch = '1' .. sub(redis.sha1hex(epoch .. member .. n .. now), 1, 15)
    end
    bytes = #text
    -- A list that is new again must not outlive its room.
    call('PEXPIREAT', log, call('PEXPIRETIME', room))
  end
else
  length = call('LLEN', log)
  bytes = bytes + #after - #before
  call('LSET', log, place, head .. after)
  local without_text = match(text, '^\16%d+ e') or text
  kept = kept .. (kept == '' and '' or '\30') .. match(entry, '^[^\n]*\n') .. without_text
  local _, count = string.gsub(kept, '\30', '')
  while count >= max_amendments do
    kept = sub(kept, find(kept, '\30', 1, true) + 1)
    count = count - 1
  end
  call('HSET', room, 'a', kept)
end
while length > keep or (bytes > most and length > 1) do
  local oldest = call('LPOP', log)
  length = length - 1
  bytes = bytes - (#oldest - (find(oldest, '\n', 1, true) or 0))
  gone[#gone + 1] = oldest
end
for _, dropped in ipairs(gone) do
  local words = match(dropped, '^[^\n]*\n\16m%d+ %d+ (%S+) ')
  for id, size in string.gmatch(words or '', '(%x+):(%d+):[^,]*') do
    forget_file(files, id, size)
  end
end
call('HSET', room, 's', seq, 'b', format('%d', bytes), 'd:' .. member, n .. ' ' .. seq .. ' ' .. now)
if drawn then
  -- About eight draws. The last may be cut off, and then matches nothing.
  drawn = draw .. ' ' .. seq .. ' ' .. now .. ' ' .. n .. ';' .. drawn
  call('HSET', room, 'w:' .. member, sub(drawn, 1, 512))
end
if new_epoch then
  epoch = new_epoch
  call('HSET', room, 'e', epoch)
  call('SPUBLISH', channel, 'R ' .. epoch)
end
call('SPUBLISH', channel, 'M ' .. epoch .. ' ' .. entry)
return epoch .. ' ' .. seq .. ' ' .. now .. ' 0 ' .. n
