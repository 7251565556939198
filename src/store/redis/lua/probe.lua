#!lua flags=allow-oom
-- Whether rooms can be kept here. Calls every command that the other scripts call, so that the node
-- learns of a missing, renamed or forbidden command before a room needs it. Leaves no key behind.
-- KEYS  members room log channel files
-- Returns OK.
local members, room, log, channel, files = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = redis.call
-- Commands that write nothing come first, and each command that deletes comes before the one that adds.
call('UNLINK', members, room, log, files)
local time = call('TIME')
local soon = time[1] * 1000 + 10000
call('PEXPIREAT', room, soon)
call('PEXPIRETIME', room)
call('SCARD', members)
call('SREM', members, '1')
call('HGET', room, '1')
call('HMGET', room, '1')
call('HGETALL', room)
call('HKEYS', files)
call('HDEL', room, '1')
call('LINDEX', log, 0)
call('LRANGE', log, 0, 0)
call('LTRIM', log, 0, 0)
call('LPOP', log)
call('LLEN', log)
call('SPUBLISH', channel, 'P')
call('HSET', room, '1', '1')
call('PEXPIREAT', room, soon)
call('HINCRBY', room, '1', 1)
call('SADD', members, '1')
call('PEXPIREAT', members, soon)
call('RPUSH', log, '1')
call('LSET', log, 0, '1')
call('PEXPIREAT', log, soon)
call('UNLINK', members, room, log)
return { 'OK' }
