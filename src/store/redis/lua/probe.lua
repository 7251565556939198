#!lua flags=allow-oom
-- Whether rooms can be kept here: calls every command that the other scripts call, so that one which
-- is missing, renamed or not allowed is known before a room needs it. Nothing of it stays.
-- KEYS  members room log channel
-- Gives OK.
local members, room, log, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local call = redis.call
-- What writes nothing comes first, and what forgets before what it forgets.
call('UNLINK', members, room, log)
local time = call('TIME')
local soon = time[1] * 1000 + 10000
call('PEXPIREAT', room, soon)
call('PEXPIRETIME', room)
call('SCARD', members)
call('SREM', members, '1')
call('HGET', room, '1')
call('HMGET', room, '1')
call('HGETALL', room)
call('HDEL', room, '1')
call('LINDEX', log, 0)
call('LRANGE', log, 0, 0)
call('LTRIM', log, 0, 0)
call('LPOP', log)
call('SPUBLISH', channel, 'P')
call('HSET', room, '1', '1')
call('PEXPIREAT', room, soon)
call('HINCRBY', room, '1', 1)
call('SADD', members, '1')
call('PEXPIREAT', members, soon)
call('RPUSH', log, '1')
call('PEXPIREAT', log, soon)
call('UNLINK', members, room, log)
return { 'OK' }
