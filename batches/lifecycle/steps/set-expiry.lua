-- Sets the time at which the sweeper deletes a batch. The removal comes first, because a full Redis refuses commands
-- that may need memory until the script has written something, but never a removal. Otherwise no batch could be deleted
-- from a full Redis.
-- KEYS: 1 finished batches
-- ARGV: 1 time from now (ms)  2 batch id
-- Returns 1.
--@include ../../../shared/redis/now
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms() + tonumber(ARGV[1])), ARGV[2])
return 1
