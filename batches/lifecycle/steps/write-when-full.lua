-- Included piece: makes a full Redis accept the writes of this script. Redis refuses commands that may grow, but not in a
-- script that has already written, and never refuses a removal, even of nothing. For small writes that lead to free memory.
local function write_when_full(hash)
  redis.call('HDEL', hash, '')
end
