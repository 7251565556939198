-- What join.lua and look.lua share.

-- The amendments of the field `kept` from `first` on that are younger than `too_old`. An edit gets the text that its
-- message in `entries` has now. It is left out without that message, or where there are too many texts.
local function amendments_from(first, kept, too_old, entries)
  local match, found, texts, bytes = string.match, {}, nil, 0
  for entry in string.gmatch(kept or '', '[^\30]+') do
    local seq, at = match(entry, '^(%d+) (%d+)')
    if tonumber(seq) >= first and tonumber(at) > too_old then
      local head, target = match(entry, '^(.*\n\16(%d+) )e$')
      if head and not texts then
        texts = {}
        for i = 1, #entries do
          local its_seq, its_at, text = match(entries[i], '^(%d+) (%d+)[^\n]*\n(.*)$')
          if tonumber(its_at) > too_old then
            texts[its_seq] = match(text, '^\16m%d+ %d+ [^\n]*\n(.*)$') or match(text, '^\16(\16.*)$') or text
          end
        end
      end
      local text = head and texts[target]
      if text == '\16x' then
        entry = head .. 'd'
      elseif text then
        bytes = bytes + #text
        entry = bytes <= 65536 and head .. 'e ' .. text
      end
      if entry and (text or not head) then
        found[#found + 1] = entry
      end
    end
  end
  return found
end

-- How many entries of a list lie behind `after`.
local function count_after(after, entries, oldest)
  local count = 0
  for i = oldest, #entries do
    if tonumber(string.match(entries[i], '^%d+')) > after then
      count = count + 1
    end
  end
  return count
end
