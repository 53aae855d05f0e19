-- Stops a batch. Its chunks in flight may still be committed; all other open items are cancelled. A batch whose client
-- is still sending items cannot be stopped; one whose items a worker reads from a bucket can.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 final state  2 reason, or ''  3 retention (ms)  4 time within which chunks in flight must end (ms)
-- Returns one of these verdicts:
--   ended     this call has ended the batch
--   stopping  chunks are in flight; a later call ends the batch when their time is over
--   terminal  the batch has already ended
--   gone      the batch does not exist, or a client is still sending it
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
--@include write-when-full
local fields = redis.call('HMGET', KEYS[1], 'state', 'input')
local state = fields[1]
if not state or (state == 'accepting' and not fields[2]) then return 'gone' end
if state ~= 'accepting' and state ~= 'queued' and state ~= 'running' then return 'terminal' end
write_when_full(KEYS[1])
note_stop(KEYS[1], ARGV[1], ARGV[2], ARGV[4])
return end_stopped(KEYS[1], KEYS[2], KEYS[3], ARGV[3]) and 'ended' or 'stopping'
