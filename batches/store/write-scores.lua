-- Included piece: writes a chunk into the index of scores, and the index of its first item into the list of offsets.
-- `keys`: from `key` on, the offsets, then a segment for each part.
-- `args`: from `arg` on, the number of the chunk's first item as an entry, the items of a segment, then for each part the index of
-- the first item of its segment, its place there in bytes, and its entries.
-- Returns the bytes of the chunk in the index.
local function write_scores(batch, chunk, keys, key, args, arg)
  local sizes = redis.call('HMGET', batch, 'total', 'chunks')
  -- A string of its whole length at once: Redis doubles one that grows.
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
