-- Included in other scripts. Makes a full Redis accept the small writes that follow: it refuses commands that may need
-- memory unless the script has already written, but never a removal. Use it only before writes that help to free
-- memory.
local function write_when_full(hash)
  redis.call('HDEL', hash, '')
end
