-- What the scripts of files share. In the hash of files a file is the field `id`, 'size received at from attached type
-- name', and a field `id.n` for each piece that has come. The name is in base64, attached is 0 for an upload.

-- The parts of a file's field, or nothing.
local function read_file(file)
  return string.match(file or '', '^(%d+) (%d+) (%d+) (%x+) (%d+) (%S+) (%S*)$')
end

-- Whether nothing came for too long, or its message is too old: the host may keep messages for a shorter `age`.
local function is_over(at, attached, now, age)
  return at + (attached == '0' and UPLOAD_AGE or math.min(HISTORY_AGE, age or HISTORY_AGE)) <= tonumber(now)
end

-- Removes a file with its pieces.
local function forget_file(files, id, size)
  local fields = { id }
  for piece = 0, (size - 1) / FILE_CHUNK do
    fields[#fields + 1] = string.format('%s.%d', id, piece)
    if #fields == 1000 then
      redis.call('HDEL', files, unpack(fields))
      fields = {}
    end
  end
  if #fields > 0 then
    redis.call('HDEL', files, unpack(fields))
  end
end

-- Removes a member's uploads that belong to no message: no other member knows of them.
local function forget_uploads(files, member)
  for _, id in ipairs(redis.pcall('HKEYS', files)) do
    if #id == 32 then
      local size, _, _, from, attached = read_file(redis.call('HGET', files, id))
      if size and from == member and attached == '0' then
        forget_file(files, id, size)
      end
    end
  end
end

-- Removes what is over. Returns how many files are left, and how many bytes they may have. A key that holds something
-- else has no files, and harms nothing else of the room.
local function sweep_files(files, now, age)
  local count, held = 0, 0
  for _, id in ipairs(redis.pcall('HKEYS', files)) do
    if #id == 32 then
      local size, _, at, _, attached = read_file(redis.call('HGET', files, id))
      if not size then
        redis.call('HDEL', files, id)
      elseif is_over(at, attached, now, age) then
        forget_file(files, id, size)
      else
        count, held = count + 1, held + size
      end
    end
  end
  return count, held
end
