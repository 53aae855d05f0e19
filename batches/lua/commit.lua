-- Records the outcomes of a chunk, once, and ends the batch with its last chunk.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 failures  6 log  7 output
-- ARGV: 1 chunk  2 now (ms)  3 result payload  4 succeeded  5 failed  6 retention (ms)  then code, count, code, count ...
-- Returns { verdict, state, expiresAt }. Verdicts: committed, already, stopped (terminal: nothing kept), gone.
local fields = redis.call('HMGET', KEYS[1], 'state', 'total', 'succeeded', 'failed', 'cancelled')
local state = fields[1]
if not state then return { 'gone' } end
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then return { 'already', state } end
if state ~= 'queued' and state ~= 'running' then return { 'stopped', state } end
redis.call('SETBIT', KEYS[2], ARGV[1], 1)
redis.call('HSET', KEYS[7], ARGV[1], ARGV[3])
redis.call('RPUSH', KEYS[6], ARGV[1])
local succeeded = tonumber(fields[3]) + tonumber(ARGV[4])
local failed = tonumber(fields[4]) + tonumber(ARGV[5])
redis.call('HSET', KEYS[1], 'succeeded', succeeded, 'failed', failed)
for i = 7, #ARGV, 2 do redis.call('HINCRBY', KEYS[5], ARGV[i], ARGV[i + 1]) end
if succeeded + failed + tonumber(fields[5]) < tonumber(fields[2]) then return { 'committed', state } end
if failed == 0 then
  state = 'completed'
elseif succeeded == 0 then
  state = 'failed'
  redis.call('HSET', KEYS[1], 'reason', 'all_failed')
else
  state = 'completed_with_errors'
end
local expires_at = string.format('%.0f', tonumber(ARGV[2]) + tonumber(ARGV[6]))
redis.call('HSET', KEYS[1], 'state', state, 'finishedAt', ARGV[2], 'expiresAt', expires_at)
return { 'committed', state, expires_at }
