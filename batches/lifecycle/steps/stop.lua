-- Stops a batch: what has outcomes keeps them, chunks in flight may still commit theirs, the rest is cancelled. It ends
-- when no chunk is in flight any more, at once if none is. One that is still being sent cannot be stopped by others than
-- its sender; one that a worker reads from a bucket can.
-- KEYS: 1 batch  2 active  3 events
-- ARGV: 1 state to end in  2 reason, or ''  3 retention (ms)  4 time of the chunks in flight (ms)
-- Returns { verdict, state when it has ended }. Verdicts:
--   ended     this call has ended it
--   stopping  chunks are in flight; ask again to have the time of those checked
--   terminal  it had ended
--   gone      there is no such batch
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
--@include write-when-full
local fields = redis.call('HMGET', KEYS[1], 'state', 'input')
local state = fields[1]
if not state or (state == 'accepting' and not fields[2]) then return { 'gone' } end
if state ~= 'accepting' and state ~= 'queued' and state ~= 'running' then return { 'terminal', state } end
write_when_full(KEYS[1])
note_stop(KEYS[1], ARGV[1], ARGV[2], ARGV[4])
local ended = end_stopped(KEYS[1], KEYS[2], KEYS[3], ARGV[3])
if ended then return { 'ended', ended } end
return { 'stopping' }
