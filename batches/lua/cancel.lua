-- Stops a batch: what has outcomes keeps them, the rest is cancelled. One that is still being sent cannot be stopped by
-- others than its sender; one that a worker reads from a bucket can.
-- KEYS: 1 batch  2 waiting  3 events
-- ARGV: 1 now (ms)  2 retention (ms)
-- Returns { verdict, expiresAt, chunks that wait in the queue ... }. Verdicts: cancelled, terminal (it had ended), gone.
--@include finish
local fields = redis.call('HMGET', KEYS[1], 'state', 'input')
local state = fields[1]
if not state or (state == 'accepting' and not fields[2]) then return { 'gone' } end
if state ~= 'accepting' and state ~= 'queued' and state ~= 'running' then return { 'terminal' } end
local reply = { 'cancelled', finish(KEYS[1], KEYS[3], 'cancelled', '', ARGV[1], ARGV[2]) }
for _, chunk in ipairs(redis.call('SMEMBERS', KEYS[2])) do reply[#reply + 1] = chunk end
redis.call('DEL', KEYS[2])
return reply
