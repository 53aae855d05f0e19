-- Notes why the workers cannot evaluate a batch now, for its status. One that is never evaluated in between fails when its
-- time is up.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 why  2 patience (ms)  3 retention (ms)  4 time of the chunks in flight (ms)
-- Returns { verdict }. Verdicts:
--   waiting  it is noted
--   stopped  its time is up: it takes no more chunks
--   ended    its time is up, and it has ended
--   over     it takes no more chunks anyway, or is gone
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
local fields = redis.call('HMGET', KEYS[1], 'state', 'stopState', 'waitingSince')
if (fields[1] ~= 'queued' and fields[1] ~= 'running') or fields[2] then return { 'over' } end
local now = now_ms()
local since = tonumber(fields[3] or '') or now
redis.call('HSET', KEYS[1], 'waitingFor', ARGV[1], 'waitingSince', string.format('%.0f', since))
if now - since < tonumber(ARGV[2]) then return { 'waiting' } end
note_stop(KEYS[1], 'failed', 'model_unavailable', ARGV[4])
return { end_stopped(KEYS[1], KEYS[2], KEYS[3], ARGV[3]) and 'ended' or 'stopped' }
