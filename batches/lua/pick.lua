-- A worker takes a chunk in hand.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 input
-- ARGV: 1 chunk  2 window  3 now (ms)
-- Returns { verdict, input payload, pinned fields, chunks to enqueue }; the last three for 'run' alone. Verdicts:
--   run      evaluate it
--   done     its outcomes are there already
--   stopped  the batch takes no more outcomes (terminal)
--   gone     there is no such batch, or its input is gone
--@include fill-window
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 'gone' } end
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then
  redis.call('SREM', KEYS[3], ARGV[1])
  return { 'done' }
end
if state ~= 'queued' and state ~= 'running' then return { 'stopped' } end
local input = redis.call('HGET', KEYS[5], ARGV[1])
if not input then return { 'gone' } end
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
if state == 'queued' then redis.call('HSET', KEYS[1], 'state', 'running', 'startedAt', ARGV[3]) end
local pinned = redis.call('HMGET', KEYS[1], 'model', 'revision', 'precision', 'preprocess')
return { 'run', input, pinned, fill_window(KEYS[1], KEYS[3], tonumber(ARGV[2])) }
