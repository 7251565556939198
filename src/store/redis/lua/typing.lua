#!lua flags=allow-oom
-- Tells those who are there that a member started or stopped typing.
-- KEYS  members room log channel
-- ARGV  member typing name
-- Gives OK or ENOMEMBER.
if not redis.call('HGET', KEYS[2], 'u:' .. ARGV[1]) then
  return { 'ENOMEMBER' }
end
redis.call('SPUBLISH', KEYS[4], 'T ' .. ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
return { 'OK' }
