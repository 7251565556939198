-- A snapshot of the room. Repeats Room::snapshot and Snapshot::since.
-- KEYS  members room log channel
-- ARGV  lease age list epoch after marked
--       list: 1 for all members, or one member's id, or nothing.
--       after: a number for what a subscriber at (epoch, after) has missed, with the last entry before that;
--       'all' or 'none'.
--       marked: a member whose address is asked for, or nothing
-- Returns OK reaches now mark epoch key seq version moves rules total listed (member session mark)* entry*, or ENOROOM.
--       mark: that of the address, or -
--       When the log does not reach back to the subscriber, reaches is 0 and the whole log is returned.
local members, room, log = KEYS[1], KEYS[2], KEYS[3]
local lease, age = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epoch, key, seq, version, moves, first, rules, place =
  unpack(redis.call('HMGET', room, 'e', 'k', 's', 'v', 'm', 'x', 'r', 'a:' .. ARGV[6]))
if not epoch then
  return { 'ENOROOM' }
end
age = age_within(rules, age)
local lapsed = tonumber(first) + lease <= now
local here, listed, at = {}, 0, {}
local total = ARGV[3] == '1' and 0 or redis.call('SCARD', members)
-- Redis may have dropped the set of members: the hash knows them.
if lapsed or ARGV[3] == '1' or total == 0 then
  total = 0
  local fields = redis.call('HGETALL', room)
  for i = 1, #fields, 2 do
    local kind = string.sub(fields[i], 1, 2)
    if kind == 'u:' then
      total = total + 1
    end
    if kind == 'u:' and ARGV[3] == '1' then
      here[#here + 1] = string.sub(fields[i], 3)
      here[#here + 1] = fields[i + 1]
      here[#here + 1] = '0'
      listed = listed + 1
      at[here[#here - 2]] = #here
    elseif kind == 'n:' and tonumber(fields[i + 1]) + lease > now then
      lapsed = false
    end
  end
  for i = 1, #fields, 2 do
    local place = string.sub(fields[i], 1, 2) == 'c:' and at[string.sub(fields[i], 3)]
    if place then
      here[place] = fields[i + 1]
    end
  end
end
-- Every node has been silent for two leases: the room has no members any more.
if lapsed then
  return { 'ENOROOM' }
end

if #ARGV[3] > 1 then
  local session, mark = unpack(redis.call('HMGET', room, 'u:' .. ARGV[3], 'c:' .. ARGV[3]))
  if session then
    here, listed = { ARGV[3], session, mark or '0' }, 1
  end
end

local reaches, entries, amended, oldest, kept = '1', {}, {}, 1, nil
local function read_from(first, start)
  entries, oldest = redis.call('LRANGE', log, start, -1), 1
  while entries[oldest] and tonumber(string.match(entries[oldest], '^%d+ (%d+)')) + age <= now do
    oldest = oldest + 1
  end
  kept = kept or redis.call('HGET', room, 'a') or ''
  amended = amendments_from(first, kept, now - age, entries)
end
local after = tonumber(ARGV[5])
if after then
  local missed = seq - after
  reaches = (epoch == ARGV[4] and missed >= 0) and '1' or '0'
  if reaches == '1' then
    local function count()
      return count_after(after, entries, oldest) + count_after(after, amended, 1)
    end
    read_from(after, -missed - 1)
    if count() < missed then
      -- An edit may need a message from further back.
      read_from(after, 0)
      reaches = count() < missed and '0' or '1'
    end
  end
end
if ARGV[5] == 'all' or reaches == '0' then
  read_from(0, 0)
end

local reply = { 'OK', reaches, tostring(now), string.match(place or '-', '^%S+'), epoch, key, seq, version, moves, rules or '',
  tostring(total), tostring(listed) }
for i = 1, #here do
  reply[#reply + 1] = here[i]
end
for i = oldest, #entries do
  reply[#reply + 1] = entries[i]
end
for i = 1, #amended do
  reply[#reply + 1] = amended[i]
end
return reply
