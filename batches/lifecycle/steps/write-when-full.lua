-- Included in other scripts. Makes a full Redis accept the writes that follow in the script. A full Redis refuses
-- commands that may need memory, except in a script that has already written. It never refuses a removal, so this
-- function removes a field that does not exist. Use it only before small writes that help to free memory.
local function write_when_full(hash)
  redis.call('HDEL', hash, '')
end
