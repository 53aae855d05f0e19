-- Finished batches whose time is over, by Redis' clock, the oldest first.
-- KEYS: 1 finished batches
-- ARGV: 1 how many at most
-- Returns their ids.
--@include ../../../shared/redis/now
return redis.call('ZRANGEBYSCORE', KEYS[1], 0, string.format('%.0f', now_ms()), 'LIMIT', 0, ARGV[1])
