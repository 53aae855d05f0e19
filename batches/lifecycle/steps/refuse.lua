-- Ends a batch as failed, because the object in a bucket with its items cannot be read.
-- KEYS: 1 batch  2 events
-- ARGV: 1 retention (ms)  2 error code  3 error message
-- Returns 1; 0 when the batch is no longer in state `accepting`, or was deleted.
--@include ../../../shared/redis/now
--@include finish
--@include write-when-full
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' then return 0 end
write_when_full(KEYS[1])
redis.call('HSET', KEYS[1], 'inputErrorCode', ARGV[2], 'inputErrorMessage', ARGV[3])
finish(KEYS[1], KEYS[2], 'failed', 'input', ARGV[1])
return 1
