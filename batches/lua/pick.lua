-- A worker takes a chunk in hand.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 input  6 events
-- ARGV: 1 chunk  2 now (ms)
-- Returns { verdict, input payload, batch fields }; the last two for 'run' alone. Verdicts:
--   run      evaluate it
--   done     its outcomes are there already
--   stopped  the batch takes no more outcomes (terminal)
--   gone     there is no such batch, or its input is gone
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 'gone' } end
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then return { 'done' } end
if state ~= 'queued' and state ~= 'running' then return { 'stopped' } end
local input = redis.call('HGET', KEYS[5], ARGV[1])
if not input then return { 'gone' } end
redis.call('SADD', KEYS[4], ARGV[1])
if state == 'queued' then
  redis.call('HSET', KEYS[1], 'state', 'running', 'startedAt', ARGV[2], 'markAt', ARGV[2], 'markItems', 0)
  redis.call('XADD', KEYS[6], '*', 'type', 'state', 'state', 'running')
end
local fields = redis.call('HMGET', KEYS[1], 'priority', 'lowestBelow', 'highestAbove',
  'model', 'revision', 'precision', 'preprocess', 'textCleaning', 'longText', 'traceparent', 'traffic')
return { 'run', input, fields }
