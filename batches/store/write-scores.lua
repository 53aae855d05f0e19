-- Included in other scripts. Writes the entries of a chunk into the score index, and the index of its first item into
-- the list of offsets. A segment is one Redis string of the score index.
-- `keys`: from position `key` on: the list of offsets, then each segment.
-- `args`: from position `arg` on: the chunk's entry in the list of offsets, and the number of items in a segment. Then
-- for each segment: the index of its first item, the offset in bytes of the entries, and the entries.
-- Returns the number of bytes that the chunk takes in the index and in the list.
local function write_scores(batch, chunk, keys, key, args, arg)
  local sizes = redis.call('HMGET', batch, 'total', 'chunks')
  -- A new string gets its full length at once, since Redis doubles the memory of a string that grows.
  local function write(name, length, at, bytes)
    if redis.call('EXISTS', name) == 0 then redis.call('SETRANGE', name, length - 1, '\0') end
    redis.call('SETRANGE', name, at, bytes)
    return #bytes
  end
  local written = write(keys[key], 4 * tonumber(sizes[2]), 4 * tonumber(chunk), args[arg])
  for part = 1, #keys - key do
    local from = arg + 3 * part - 1
    local items = math.min(tonumber(args[arg + 1]), tonumber(sizes[1]) - tonumber(args[from]))
    written = written + write(keys[key + part], 4 * items, tonumber(args[from + 1]), args[from + 2])
  end
  return written
end
