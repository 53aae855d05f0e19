-- Puts a batch into a list of those that the sweeper forgets, once; a full Redis takes it too, as in due.lua.
-- KEYS: 1 sorted set
-- ARGV: 1 score (ms)  2 entry
-- Returns 1, or 0 when it is there.
redis.call('ZREM', KEYS[1], '')
return redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2])
