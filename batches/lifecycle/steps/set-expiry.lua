-- Sets the time at which the sweeper deletes a batch. Removes the old entry first: a full Redis refuses commands that
-- may need memory, except in a script that has already written, and it never refuses a removal. Without the removal, a
-- full Redis would never delete a batch.
-- KEYS: 1 finished batches
-- ARGV: 1 time from now (ms)  2 batch id
-- Returns 1.
--@include ../../../shared/redis/now
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms() + tonumber(ARGV[1])), ARGV[2])
return 1
