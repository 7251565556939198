-- Drops an upload that belongs to no message. Repeats Room::drop_file.
-- KEYS  members room log channel files
-- ARGV  member id
-- Returns OK size, or ENOMEMBER or ENOFILE.
local call = redis.call
local room, files, member, id = KEYS[2], KEYS[5], ARGV[1], ARGV[2]
if not call('HGET', room, 'u:' .. member) then
  return { 'ENOMEMBER' }
end
local time = call('TIME')
local now = string.format('%s%03d', time[1], time[2] / 1000)
local size, _, at, from, attached = read_file(call('HGET', files, id))
if from ~= member or attached ~= '0' or is_over(at, attached, now) then
  return { 'ENOFILE' }
end
forget_file(files, id, size)
return { 'OK', size }
