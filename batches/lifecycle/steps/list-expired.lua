-- Lists the finished batches whose retention has passed by the clock of Redis.
-- KEYS: 1 finished batches
-- ARGV: 1 maximum number of ids
-- Returns the ids, the first expired first.
--@include ../../../shared/redis/now
return redis.call('ZRANGEBYSCORE', KEYS[1], 0, string.format('%.0f', now_ms()), 'LIMIT', 0, ARGV[1])
