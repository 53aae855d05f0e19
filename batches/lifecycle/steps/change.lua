-- Changes fields of a batch, and the time after its end at which it is deleted.
-- KEYS: 1 batch
-- ARGV: 1 retention (ms); empty: it does not change  then field, value, field, value ...
-- Returns { 1, time of the deletion (ms) if it has changed and is known }, or { 0 } when there is no such batch.
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return { 0 } end
if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
if ARGV[1] == '' then return { 1 } end
-- The piece `finish` reads it when the batch ends.
redis.call('HSET', KEYS[1], 'retentionMs', ARGV[1])
local finished = redis.call('HGET', KEYS[1], 'finishedAt')
if not finished then return { 1 } end
local due = string.format('%.0f', tonumber(finished) + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'expiresAt', due)
return { 1, due }
