-- Adds a batch to a list that the sweeper reads. Removing an absent entry first makes this work in a full Redis; see
-- set-expiry.lua.
-- KEYS: 1 sorted set
-- ARGV: 1 score (ms)  2 entry
-- Returns 1, or 0 when the batch is already in the list.
redis.call('ZREM', KEYS[1], '')
return redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2])
