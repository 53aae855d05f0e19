-- Stores the reason why workers cannot evaluate a batch now. Stops the batch as failed after the time `patience`.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 reason  2 patience (ms)  3 retention (ms)  4 time within which chunks in flight must end (ms)
-- Returns one of these verdicts:
--   waiting  the reason is stored
--   stopped  the batch is stopped, but some of its chunks are still in flight
--   ended    the batch is stopped and has ended
--   over     the batch was already stopped, has ended, or was deleted
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
local fields = redis.call('HMGET', KEYS[1], 'state', 'stopState', 'waitingSince')
if (fields[1] ~= 'queued' and fields[1] ~= 'running') or fields[2] then return 'over' end
local now = now_ms()
local since = tonumber(fields[3] or '') or now
redis.call('HSET', KEYS[1], 'waitingFor', ARGV[1], 'waitingSince', string.format('%.0f', since))
if now - since < tonumber(ARGV[2]) then return 'waiting' end
note_stop(KEYS[1], 'failed', 'model_unavailable', ARGV[4])
return end_stopped(KEYS[1], KEYS[2], KEYS[3], ARGV[3]) and 'ended' or 'stopped'
