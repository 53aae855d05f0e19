-- Marks a chunk as active for the worker that evaluates it, and returns its items.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 input  6 events
-- ARGV: 1 chunk  2 retention (ms)  then the names of batch fields
-- Returns { verdict, input payload, values of the batch fields }; the last two only with `run`. Verdicts:
--   run      the worker evaluates the chunk
--   done     the chunk already has outcomes
--   stopped  the batch was stopped, so the chunk is not evaluated
--   ended    the batch was stopped, and this call has ended it
--   lost     the items of the chunk are no longer stored
--   gone     the batch does not exist
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
local fields = redis.call('HMGET', KEYS[1], 'state', 'stopState')
local state = fields[1]
if not state then return { 'gone' } end
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then return { 'done' } end
if state ~= 'queued' and state ~= 'running' then return { 'stopped' } end
if fields[2] then
  redis.call('SREM', KEYS[4], ARGV[1])
  return { end_stopped(KEYS[1], KEYS[4], KEYS[6], ARGV[2]) and 'ended' or 'stopped' }
end
local input = redis.call('HGET', KEYS[5], ARGV[1])
if not input then return { 'lost' } end
redis.call('SADD', KEYS[4], ARGV[1])
if state == 'queued' then
  local now = string.format('%.0f', now_ms())
  redis.call('HSET', KEYS[1], 'state', 'running', 'startedAt', now, 'markAt', now, 'markItems', 0)
  redis.call('XADD', KEYS[6], '*', 'type', 'state', 'state', 'running')
end
return { 'run', input, redis.call('HMGET', KEYS[1], unpack(ARGV, 3)) }
