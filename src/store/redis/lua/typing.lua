#!lua flags=allow-oom
-- Publishes that a member started or stopped typing.
-- KEYS  members room log channel
-- ARGV  member typing latest
--       latest: the moment by which a start began, or nothing. The start is void if a newer connection has taken
--       the session since.
-- Returns OK or ENOMEMBER.
local session = redis.call('HGET', KEYS[2], 'u:' .. ARGV[1])
if not session then
  return { 'ENOMEMBER' }
end
local latest = ARGV[2] == '1' and tonumber(ARGV[3])
local since, name = string.match(session, '^%S+ %S+ %S+ (%S+) %S+ (.*)$')
since = tonumber(since)
if latest and latest < since then
  local time = redis.call('TIME')
  -- A session from the future is from before the clock was set back.
  if since <= time[1] * 1000 + math.floor(time[2] / 1000) then
    return { 'OK' }
  end
end
redis.call('SPUBLISH', KEYS[4], 'T ' .. ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. name)
return { 'OK' }
