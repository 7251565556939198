-- What scripts share that change the rules of a room. The field `r` holds them: 'host gated ends age json', see
-- RoomRules::encode. For the scripts of messages two facts stand beside it: `g`, how long messages are kept, and
-- `z:<member>` of a member that may send none.

-- A member's id as the rules have it, and the other way round.
local function dashed(member)
  return (string.gsub(member, '^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$', '%1-%2-%3-%4-%5'))
end
local function plain(member)
  return (string.gsub(member, '-', ''))
end

-- When the room ends, or 0.
local function end_of(rules)
  return tonumber(string.match(rules or '', '^%S+ %d (%d+) ') or '0')
end

-- How long messages are kept, where the operator would keep them for `most`.
local function age_within(rules, most)
  local age = tonumber(string.match(rules or '', '^%S+ %d %d+ (%d+) ') or '0')
  return age > 0 and math.min(age, most) or most
end

-- When the keys of the room go, if no node renews them: a lease after the room's end at the latest.
local function expiry(rules, now, ttl, lease)
  local ends = end_of(rules)
  return string.format('%d', ends > 0 and math.min(now + ttl, ends + lease) or now + ttl)
end

-- Where the muted members stand in the rules: a quote within a text has a backslash before it, and so is no key.
local function muted_in(rules)
  local _, first = string.find(rules or '', '"m":[', 1, true)
  local last = first and string.find(rules, ']', first, true)
  return first, last, first and string.sub(rules, first + 1, last - 1) or ''
end

-- Writes the rules, and the facts beside them.
local function set_rules(room, before, rules)
  redis.call('HSET', room, 'r', rules)
  local _, _, muted = muted_in(before)
  for member in string.gmatch(muted, '"([^"]+)"') do
    redis.call('HDEL', room, 'z:' .. plain(member))
  end
  _, _, muted = muted_in(rules)
  for member in string.gmatch(muted, '"([^"]+)"') do
    redis.call('HSET', room, 'z:' .. plain(member), '1')
  end
  local age = string.match(rules, '^%S+ %d %d+ (%d+) ') or '0'
  if age == '0' then
    redis.call('HDEL', room, 'g')
  else
    redis.call('HSET', room, 'g', age)
  end
end

-- Counts the change as a version, and publishes it: 'H epoch version count host's-name⏎rules'. Returns the version.
local function publish_rules(room, channel, epoch, count, rules)
  local version = redis.call('HINCRBY', room, 'v', 1)
  local host = string.match(rules, '^(%x%S+) ')
  local session = host and redis.call('HGET', room, 'u:' .. plain(host)) or ''
  local name = string.match(session, '^%S+ %S+ %S+ %S+ %S+ (.*)$') or ''
  redis.call('SPUBLISH', channel,
    'H ' .. epoch .. ' ' .. version .. ' ' .. count .. ' ' .. name .. '\n' .. rules)
  return version
end

-- Removes all that the hash has of a member.
local function forget_member(room, member)
  redis.call('HDEL', room, 'u:' .. member, 'd:' .. member, 'c:' .. member, 'w:' .. member, 'b:' .. member,
    'a:' .. member, 'z:' .. member)
end

-- Members have left: the rules that follow, or nothing if they stay as they are. Repeats RoomRules::forget.
local function rules_without(room, rules, gone)
  local host, rest = string.match(rules or '', '^(%S+)( .*)$')
  if not host then
    return nil
  end
  local is_gone, stay, changes = {}, {}, false
  for _, member in ipairs(gone) do
    is_gone[dashed(member)] = true
  end
  local first, last, muted = muted_in(rest)
  for member in string.gmatch(muted, '"([^"]+)"') do
    if is_gone[member] then
      changes = true
    else
      stay[#stay + 1] = '"' .. member .. '"'
    end
  end
  if changes then
    rest = string.sub(rest, 1, first) .. table.concat(stay, ',') .. string.sub(rest, last)
  end
  if is_gone[host] then
    -- The first of those that remain, in the order in which they joined.
    local fields, next_host, its_time = redis.call('HGETALL', room), nil, nil
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 2) == 'u:' then
        local member = string.sub(fields[i], 3)
        local joined = tonumber(string.match(fields[i + 1], '^%S+ %S+ %S+ %S+ (%S+)'))
        if not its_time or joined < its_time or (joined == its_time and member < next_host) then
          next_host, its_time = member, joined
        end
      end
    end
    host, changes = next_host and dashed(next_host) or '-', true
  end
  return changes and host .. rest or nil
end

-- The same, written and published. Returns the version, if there is a new one.
local function pass_on(room, channel, epoch, count, rules, gone)
  local after = rules_without(room, rules, gone)
  if after then
    set_rules(room, rules, after)
    return publish_rules(room, channel, epoch, count, after)
  end
end
