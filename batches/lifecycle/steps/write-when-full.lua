-- Included piece: has a full Redis take what the script writes from here on. It refuses commands that may grow, but not to
-- a script that has already written; and a removal, even of nothing, it refuses to nobody. For steps that lead to memory
-- being freed, and write little themselves.
local function write_when_full(hash)
  redis.call('HDEL', hash, '')
end
