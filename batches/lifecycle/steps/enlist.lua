-- Adds a batch to a list that the sweeper reads, unless it is already in the list. First removes an entry that does not
-- exist. The script then also works in a full Redis; set-expiry.lua explains why.
-- KEYS: 1 sorted set
-- ARGV: 1 score (ms)  2 entry
-- Returns 1, or 0 when the batch is already in the list.
redis.call('ZREM', KEYS[1], '')
return redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2])
