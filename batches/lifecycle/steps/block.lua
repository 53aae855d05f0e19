-- Records why workers cannot evaluate a batch now; its status shows the reason. A batch fails when nothing of it is
-- evaluated for the time of patience.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 reason  2 patience (ms)  3 retention (ms)  4 time that chunks in flight have to end (ms)
-- Returns a verdict:
--   waiting  the reason is recorded
--   stopped  patience is over: the batch takes no more chunks
--   ended    patience is over, and the batch has ended
--   over     the batch takes no more chunks anyway, or is gone
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
