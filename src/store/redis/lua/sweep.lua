-- Removes entries that are too old to be shown.
local function sweep(room, log, now, age)
  local aged, bytes = 0, 0
  local oldest = redis.call('LINDEX', log, 0)
  while oldest and tonumber(string.match(oldest, '^%d+ (%d+)')) + age <= now do
    aged = aged + 1
    bytes = bytes + #oldest - string.find(oldest, '\n', 1, true)
    oldest = redis.call('LINDEX', log, aged)
  end
  if aged > 0 then
    redis.call('LTRIM', log, aged, -1)
    redis.call('HINCRBY', room, 'b', -bytes)
  end
  local kept = redis.call('HGET', room, 'a')
  local young = kept
  while young and tonumber(string.match(young, '^%d+ (%d+)')) + age <= now do
    young = string.match(young, '\30(.*)$')
  end
  if young ~= kept then
    if young then
      redis.call('HSET', room, 'a', young)
    else
      redis.call('HDEL', room, 'a')
    end
  end
end
