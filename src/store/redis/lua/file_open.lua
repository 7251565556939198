-- Opens an upload, or returns how far the same upload has got. Repeats Room::open_file.
-- KEYS  members room log channel files
-- ARGV  member id size type name
-- Returns OK received new, or ENOMEMBER, ETOOBIG, EFULL, or EBAD where the id is another file's.
local call = redis.call
local room, files = KEYS[2], KEYS[5]
local member, id, size, kind, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local session, age = unpack(call('HMGET', room, 'u:' .. member, 'g'))
if not session then
  return { 'ENOMEMBER' }
end
if tonumber(size) > FILE_MOST then
  return { 'ETOOBIG' }
end
local time = call('TIME')
local now = string.format('%s%03d', time[1], time[2] / 1000)
local count, held = sweep_files(files, now, age)
local function keep(received, attached)
  call('HSET', files, id, table.concat({ size, received, now, member, attached, kind, name }, ' '))
end
local file = call('HGET', files, id)
if file then
  local its_size, received, _, from, attached, its_kind, its_name = read_file(file)
  if from ~= member or its_size ~= size or its_kind ~= kind or its_name ~= name then
    return { 'EBAD' }
  end
  -- To ask again keeps no space that nothing has come for.
  if attached == '0' and received ~= '0' then
    keep(received, '0')
  end
  return { 'OK', received, '0' }
end
if count >= MAX_FILES or held + size > ROOM_MOST then
  return { 'EFULL' }
end
keep('0', '0')
-- A hash that is new must not outlive its room.
call('PEXPIREAT', files, call('PEXPIRETIME', room))
return { 'OK', '0', '1' }
