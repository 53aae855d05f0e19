-- Stops a batch: what has outcomes keeps them, the rest is cancelled.
-- KEYS: 1 batch  2 waiting  3 events
-- ARGV: 1 now (ms)  2 retention (ms)
-- Returns { verdict, expiresAt, chunks that wait in the queue ... }. Verdicts: cancelled, terminal (it had ended), gone.
--@include finish
local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'accepting' then return { 'gone' } end
if state ~= 'queued' and state ~= 'running' then return { 'terminal' } end
local reply = { 'cancelled', finish(KEYS[1], KEYS[3], 'cancelled', '', ARGV[1], ARGV[2]) }
for _, chunk in ipairs(redis.call('SMEMBERS', KEYS[2])) do reply[#reply + 1] = chunk end
redis.call('DEL', KEYS[2])
return reply
