-- What is known of a file, and one piece of it, if an offset is given. Repeats Room::read_file.
-- KEYS  members room log channel files
-- ARGV  member id offset
-- Returns OK file piece, or ENOMEMBER, ENOFILE, or EINCOMPLETE where the piece has not come.
local call, format = redis.call, string.format
local room, files = KEYS[2], KEYS[5]
local member, id, offset = ARGV[1], ARGV[2], ARGV[3]
local session, age = unpack(call('HMGET', room, 'u:' .. member, 'g'))
if not session then
  return { 'ENOMEMBER' }
end
local time = call('TIME')
local now = format('%s%03d', time[1], time[2] / 1000)
local file = call('HGET', files, id)
local _, received, at, from, attached = read_file(file)
if not at or is_over(at, attached, now, age) or (attached == '0' and from ~= member) then
  return { 'ENOFILE' }
end
if offset == '' then
  return { 'OK', file, '' }
end
if tonumber(offset) >= tonumber(received) then
  return { 'EINCOMPLETE' }
end
local piece = call('HGET', files, format('%s.%d', id, offset / FILE_CHUNK))
if not piece then
  return { 'ENOFILE' }
end
return { 'OK', file, piece }
