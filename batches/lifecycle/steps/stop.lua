-- Stops a batch: outcomes stay, chunks in flight may still commit, and all other items are cancelled. The batch ends when no
-- chunk is in flight, at once if there is none. While a client sends a batch, only that client can stop it; a batch that
-- a worker reads from a bucket can be stopped.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 state to end in  2 reason, or ''  3 retention (ms)  4 time that chunks in flight have to end (ms)
-- Returns a verdict:
--   ended     this call has ended the batch
--   stopping  chunks are in flight; call again to check their time
--   terminal  the batch has already ended
--   gone      the batch does not exist
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
