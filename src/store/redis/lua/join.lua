-- Joins a member, or takes its session over for a new connection. Repeats Room::join.
-- KEYS  members room log channel files
-- ARGV  member node tag name epoch key max_members age lease ttl since joined_at list cursor_epoch cursor_seq
--       expected rules birth address since_seq insists earliest latest
--       epoch, key and the rules `birth` are for a room that is created here.
--       since and joined_at are empty, unless a node brings back a member that it believes joined. `key`, `birth` and
--       since_seq are what it knows, then.
--       list is 1 for a node that does not know the members.
--       cursor_epoch and cursor_seq are the cursor of the member, or empty.
--       expected: the rules of which the node has found that they let the member in; `rules` are those that follow, or =.
--       insists: 1 to bring a member back into a room that is another one. For a new member, 1 where its node has others
--       in the room: they are brought back before the room is created here.
--       earliest and latest say between which moments the connection began. They are missing if its node does not
--       know this clock.
-- Returns OK new last_n leased since joined_at name since_seq epoch key seq version moves rules total listed
--       (member session mark)* entry*
--       or EFULL, or ETAKEN when a newer connection has the session, or EBROKEN when the room's numbers are none,
--       or ELOST where the room is to be brought back first,
--       or ERULES rules mark now where the node has to find whether the rules let a new member in,
--       or for a member that is brought back EKICKED, EENDED where the room's time is over, or EOTHER where the room is
--       another one.
--       entry: what the member has missed and the last entry before that, or all if the log does not reach back so far;
--       messages, then amendments; none for a member that is brought back.
-- The cost must not grow with the room, except where members are listed: a node asks for the list only once.
local members, room, log, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, node, tag, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local max_members, age, lease, ttl = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local since, restores = tonumber(ARGV[11]), ARGV[11] ~= ''
local list, cursor_epoch, cursor_seq = ARGV[13] == '1', ARGV[14], tonumber(ARGV[15])
local expected, birth, address = ARGV[16], ARGV[18], ARGV[19]
local earliest, latest = tonumber(ARGV[22]), tonumber(ARGV[23])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, key, seq, version, moves, bytes, first, leased, session, last, kept, rules, place = unpack(redis.call('HMGET',
  room, 'e', 'k', 's', 'v', 'm', 'b', 'x', 'n:' .. node, 'u:' .. member, 'd:' .. member, 'a', 'r', 'a:' .. member))
if epoch then
  for _, number in ipairs({ seq, version, moves, bytes, first }) do
    if not (number and string.match(number, '^%d+$') and #number < 16) then
      return { 'EBROKEN' }
    end
  end
end

-- Every node has been silent for two leases: all members are gone, and no node has deleted the room.
local dead = epoch and not leased and tonumber(first) + lease <= now
if dead then
  local fields = redis.call('HGETALL', room)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'n:' and tonumber(fields[i + 1]) + lease > now then
      dead = false
      break
    end
  end
end
if restores then
  local known = epoch and not dead and (rules or '') or birth
  local ends = end_of(known)
  if ends > 0 and ends <= now then
    return { 'EENDED' }
  end
  if string.find(known, '"!' .. dashed(member) .. '"', 1, true) then
    return { 'EKICKED' }
  end
  if epoch and not dead and key ~= ARGV[6] and ARGV[21] ~= '1' then
    return { 'EOTHER' }
  end
end
if not restores and (dead or not epoch) and ARGV[21] == '1' then
  return { 'ELOST' }
end
-- A room whose time is over ends now, if no node has ended it.
local over = epoch and not dead and end_of(rules) > 0 and end_of(rules) <= now
if over then
  dead = true
end
if dead then
  epoch, session, last, kept, rules, place = false, false, false, false, false, false
end
age = age_within(rules, age)

local new, joined_at, overtaken, moved, count, follow = '1', now, false, false, 0, nil
if session then
  local at_node, at_tag, was_new, since_then, joined, goes_by = string.match(session, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
  since_then = tonumber(since_then)
  if restores and since_then > since then
    return { 'ETAKEN' }
  end
  -- A join that began before the other node's connection comes late, and its own connection may be gone.
  -- A session from the future is from before the clock was set back.
  if not restores and at_node ~= node and latest and latest < since_then and since_then <= now then
    return { 'ETAKEN' }
  end
  -- The same owner again means that the join was sent twice: return the first answer again.
  local same = at_node == node and at_tag == tag
  new = same and was_new or '0'
  joined_at, name = joined, goes_by
  -- Later than the connection before, which its node may bring back, and never in the future.
  local later = since_then < now and since_then + 1 or now
  since = since or same and since_then or math.min(math.max(earliest or 0, later), now)
  -- A join that was overtaken by a newer connection's join changes nothing.
  overtaken = at_node == node and tonumber(at_tag) > tonumber(tag)
  moved = at_node ~= node and at_node .. ' ' .. at_tag
else
  count = (dead or not epoch) and 0 or redis.call('SCARD', members)
  if not restores and count >= max_members then
    return { 'EFULL' }
  end
  if not restores and rules and string.find(rules, '^%S+ 1 ') then
    if rules ~= expected then
      local mark = address ~= '' and string.sub(redis.sha1hex(key .. ' ' .. address), 1, 16) or ''
      return { 'ERULES', rules, mark, tostring(now) }
    end
    follow = ARGV[17] ~= '=' and ARGV[17] or nil
  end
  if restores and ARGV[12] ~= '' then
    joined_at = ARGV[12]
  end
  since = since or math.min(earliest or now, now)
end

-- Redis may have dropped the log, the set of members, or part of the log. The hash tells what should be there.
local history, whole, held, lost, unlisted, amended = {}, true, 0, false, nil, {}
local function hold_all()
  history, whole, held = redis.call('LRANGE', log, 0, -1), true, 0
  for i = 1, #history do
    held = held + #history[i] - string.find(history[i], '\n', 1, true)
  end
end
if epoch then
  -- The last entry of a new member is looked for in the whole log.
  local missed = session and (restores and 0 or cursor_seq and cursor_epoch == epoch and seq - cursor_seq) or -1
  if missed >= 0 then
    history, whole = redis.call('LRANGE', log, -missed - 1, -1), false
  end
  -- Amendments are for a member that knows the messages before them.
  local after = missed >= 0 and seq - missed
  if after then
    amended = amendments_from(after + 1, kept, now - age, history)
  end
  if whole or count_after(after, history, 1) + count_after(after, amended, 1) < missed then
    hold_all()
  end
  local newest = history[#history] and string.match(history[#history], '^%d+')
  if newest and kept then
    local amends = string.match(kept, '^.*\30(%d+)') or string.match(kept, '^%d+')
    newest = tonumber(amends) > tonumber(newest) and amends or newest
  end
  lost = whole and held ~= tonumber(bytes) or newest and newest ~= seq
  if lost and not whole then
    hold_all()
  end
  if whole and after then
    amended = amendments_from(after + 1, kept, now - age, history)
    if count_after(after, history, 1) + count_after(after, amended, 1) < missed then
      amended = {}
    end
  end
  if not session and count == 0 then
    local fields = redis.call('HGETALL', room)
    unlisted = {}
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 2) == 'u:' then
        unlisted[#unlisted + 1] = string.sub(fields[i], 3)
      end
    end
  end
end

-- Nothing has been written before this line, and nothing is refused after it.
if not epoch then
  if over then
    local ended = end_room(members, room, log, KEYS[5], 'expired', redis.call('SCARD', members))
    redis.call('SPUBLISH', channel, ended)
  end
  -- Keys left by an eviction or by a silent room must not be taken for this room's.
  redis.call('UNLINK', members, room, log, KEYS[5])
  epoch, key, seq, version, moves = ARGV[5], ARGV[6], '0', '0', '0'
  redis.call('HSET', room, 'e', epoch, 'k', key, 's', seq, 'v', version, 'm', moves, 'b', '0', 'c', now, 'x', now + lease)
  if birth ~= '' then
    rules = birth
    set_rules(room, nil, rules)
  end
end

if lost then
  -- Entries that were already published cannot be taken back: the log goes on in a new epoch.
  epoch = ARGV[5]
  redis.call('HSET', room, 'e', epoch, 'b', held)
  redis.call('SPUBLISH', channel, 'R ' .. epoch)
end
if unlisted then
  for _, listed in ipairs(unlisted) do
    redis.call('SADD', members, listed)
  end
end
local oldest = 1
while history[oldest] and tonumber(string.match(history[oldest], '^%d+ (%d+)')) + age <= now do
  oldest = oldest + 1
end

if not session then
  for i = #history, oldest, -1 do
    local said_seq, said_at, from, n = string.match(history[i], '^(%d+) (%d+) (%x+) (%d+) ')
    if from == member then
      last = n .. ' ' .. said_seq .. ' ' .. said_at
      break
    end
  end
  for entry in string.gmatch(kept or '', '[^\30]+') do
    local said_seq, said_at, from, n = string.match(entry, '^(%d+) (%d+) (%x+) (%d+) ')
    if from == member and said_at + age > now
      and not (last and tonumber(string.match(last, ' (%d+) ')) > tonumber(said_seq)) then
      last = n .. ' ' .. said_seq .. ' ' .. said_at
    end
  end
  if last then
    redis.call('HSET', room, 'd:' .. member, last)
  end
  if follow then
    set_rules(room, rules, follow)
    rules = follow
    publish_rules(room, channel, epoch, redis.call('SCARD', members), rules)
  end
  redis.call('SADD', members, member)
  version = redis.call('HINCRBY', room, 'v', 1)
  local mark = address ~= '' and string.sub(redis.sha1hex(key .. ' ' .. address), 1, 16) or '-'
  local since_seq = restores and math.min(tonumber(ARGV[20]) or 0, tonumber(seq)) or seq
  place = mark .. ' ' .. since_seq
  redis.call('HSET', room, 'a:' .. member, place)
end
redis.call('HSET', room, 'n:' .. node, now + lease)
if not overtaken then
  redis.call('HSET', room,
    'u:' .. member, node .. ' ' .. tag .. ' ' .. new .. ' ' .. since .. ' ' .. joined_at .. ' ' .. name)
end
for _, i in ipairs({ 1, 2, 3, 5 }) do
  redis.call('PEXPIREAT', KEYS[i], expiry(rules, now, ttl, lease))
end
if not session then
  local count = redis.call('SCARD', members)
  redis.call('SPUBLISH', channel,
    'J ' .. epoch .. ' ' .. version .. ' ' .. count .. ' ' .. member .. ' ' .. joined_at .. ' ' .. name)
end
if moved then
  moves = redis.call('HINCRBY', room, 'm', 1)
  redis.call('SPUBLISH', channel, 'V ' .. epoch .. ' ' .. moves .. ' ' .. member .. ' ' .. moved)
end

local here, listed, at = {}, 0, {}
if list then
  local fields = redis.call('HGETALL', room)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'u:' then
      here[#here + 1] = string.sub(fields[i], 3)
      here[#here + 1] = fields[i + 1]
      here[#here + 1] = '0'
      listed = listed + 1
      at[here[#here - 2]] = #here
    end
  end
  for i = 1, #fields, 2 do
    local place = string.sub(fields[i], 1, 2) == 'c:' and at[string.sub(fields[i], 3)]
    if place then
      here[place] = fields[i + 1]
    end
  end
end
local total = list and listed or redis.call('SCARD', members)
local reply = { 'OK', new, last and string.match(last, '^%d+') or '0', leased and not dead and '1' or '0',
  tostring(since), tostring(joined_at), name, string.match(place or '', '%d+$') or '0', epoch, key, seq, tostring(version), tostring(moves), rules or '',
  tostring(total), tostring(listed) }
for i = 1, #here do
  reply[#reply + 1] = here[i]
end
for i = restores and #history + 1 or oldest, #history do
  reply[#reply + 1] = history[i]
end
for i = restores and #amended + 1 or 1, #amended do
  reply[#reply + 1] = amended[i]
end
return reply
