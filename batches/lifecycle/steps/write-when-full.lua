-- Included piece: makes a full Redis accept the writes of this script. A full Redis refuses commands that may need memory, but not in a
-- script that has already written. It never refuses a removal, even of a missing key. Only for small writes that help to free memory.
local function write_when_full(hash)
  redis.call('HDEL', hash, '')
end
