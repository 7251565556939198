#!lua flags=allow-oom
-- Tells the node that has a member's session that the member's page unloads.
-- KEYS  members room log channel
-- ARGV  member
-- Returns OK or ENOMEMBER.
if not redis.call('HGET', KEYS[2], 'u:' .. ARGV[1]) then
  return { 'ENOMEMBER' }
end
redis.call('SPUBLISH', KEYS[4], 'U ' .. ARGV[1])
return { 'OK' }
