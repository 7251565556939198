-- Adds a piece to an upload; a repeated one is taken once. Repeats Room::write_file.
-- KEYS  members room log channel files
-- ARGV  member id offset piece
-- Returns OK received, or ENOMEMBER, ENOFILE, EBAD for a piece of a wrong length, or EOFFSET received.
local call, format = redis.call, string.format
local room, files = KEYS[2], KEYS[5]
local member, id, offset, piece = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if not call('HGET', room, 'u:' .. member) then
  return { 'ENOMEMBER' }
end
local time = call('TIME')
local now = format('%s%03d', time[1], time[2] / 1000)
local size, received, at, from, attached, kind, name = read_file(call('HGET', files, id))
if from ~= member or is_over(at, attached, now) then
  return { 'ENOFILE' }
end
if #piece == 0 then
  return { 'EBAD' }
end
local field = format('%s.%d', id, offset / FILE_CHUNK)
if offset ~= tonumber(received) then
  local repeats = offset % FILE_CHUNK == 0 and call('HGET', files, field) == piece
  return { repeats and 'OK' or 'EOFFSET', received }
end
if #piece ~= math.min(FILE_CHUNK, size - offset) then
  return { 'EBAD' }
end
received = format('%d', received + #piece)
call('HSET', files, field, piece, id, table.concat({ size, received, now, member, attached, kind, name }, ' '))
return { 'OK', received }
