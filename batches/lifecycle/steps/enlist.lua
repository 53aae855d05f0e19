-- Adds a batch to a list that the sweeper reads, once. A full Redis accepts it, for the reason in set-expiry.lua.
-- KEYS: 1 sorted set
-- ARGV: 1 score (ms)  2 entry
-- Returns 1, or 0 when the entry was there.
redis.call('ZREM', KEYS[1], '')
return redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2])
