-- Ends a batch by reference whose object cannot be taken in.
-- KEYS: 1 batch  2 events
-- ARGV: 1 now (ms)  2 retention (ms)  3 error code  4 error message
-- Returns 1; 0 when it has been taken in, has ended, or is gone.
--@include finish
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' then return 0 end
redis.call('HSET', KEYS[1], 'inputErrorCode', ARGV[3], 'inputErrorMessage', ARGV[4])
finish(KEYS[1], KEYS[2], 'failed', 'input', ARGV[1], ARGV[2])
return 1
