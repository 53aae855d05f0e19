-- Sets the time at which the sweeper forgets a batch. Taken out first: a full Redis refuses what may grow, but not to a
-- script that has already written; and from a full one nothing would ever be forgotten otherwise.
-- KEYS: 1 finished batches
-- ARGV: 1 from now on (ms)  2 batch id
-- Returns 1.
--@include ../../../shared/redis/now
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms() + tonumber(ARGV[1])), ARGV[2])
return 1
