-- What scripts share that remove a room.

-- What tells the lives of a room's id apart: nodes that bring a room back give it the same key.
local function life_of(key)
  return string.sub(redis.sha1hex(key), 1, 16)
end

-- Removes every key of a room, and looks again. Returns what was removed, as it is published:
-- 'B epoch life cause members entries bytes files (key: 0 or 1)*4 left'.
local function end_room(members, room, log, files, cause, count)
  local epoch, key, bytes, kept = unpack(redis.call('HMGET', room, 'e', 'k', 'b', 'a'))
  local entries, held = redis.pcall('LLEN', log), 0
  -- A key that holds something else goes without being counted.
  entries = type(entries) == 'number' and entries or 0
  bytes = tonumber(bytes) or 0
  for _ in string.gmatch(kept or '', '[^\30]+') do
    entries = entries + 1
  end
  for _, id in ipairs(redis.pcall('HKEYS', files)) do
    if #id == 32 then
      local received = string.match(redis.call('HGET', files, id), '^%d+ (%d+)')
      held, bytes = held + 1, bytes + (tonumber(received) or 0)
    end
  end
  local words = { 'B', epoch, life_of(key), cause, count, entries, bytes, held }
  local keys, left = { members, room, log, files }, 0
  for _, name in ipairs(keys) do
    words[#words + 1] = redis.call('UNLINK', name)
  end
  for _, name in ipairs(keys) do
    left = left + (redis.call('PEXPIRETIME', name) == -2 and 0 or 1)
  end
  words[#words + 1] = left
  for i, word in ipairs(words) do
    words[i] = type(word) == 'number' and string.format('%d', word) or word
  end
  return table.concat(words, ' ')
end
