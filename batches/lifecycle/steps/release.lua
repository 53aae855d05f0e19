-- Marks a chunk as waiting again, because its worker cannot evaluate it now. Its job stays in the queue.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 events
-- ARGV: 1 chunk  2 retention (ms)
-- Returns one of these verdicts:
--   waiting  the chunk waits again, or the batch was stopped and other chunks of it are in flight
--   ended    the batch was stopped, and this call has ended it
--   over     the batch had already ended, or does not exist
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
local fields = redis.call('HMGET', KEYS[1], 'state', 'stopState')
if fields[1] ~= 'queued' and fields[1] ~= 'running' then return 'over' end
redis.call('SREM', KEYS[4], ARGV[1])
if fields[2] then return end_stopped(KEYS[1], KEYS[4], KEYS[5], ARGV[2]) and 'ended' or 'waiting' end
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 0 then redis.call('SADD', KEYS[3], ARGV[1]) end
return 'waiting'
