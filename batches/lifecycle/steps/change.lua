-- Changes fields of a batch, and its retention: the time after its end for which it is stored.
-- KEYS: 1 batch
-- ARGV: 1 new retention (ms), or '' for no change  then field, value, field, value ...
-- Returns { 1, new time of the deletion (ms since 1970) }; { 1 } without a new retention or before the end; { 0 } when
-- there is no such batch.
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return { 0 } end
if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
if ARGV[1] == '' then return { 1 } end
-- The script finish.lua reads the retention at the end of the batch.
redis.call('HSET', KEYS[1], 'retentionMs', ARGV[1])
local finished = redis.call('HGET', KEYS[1], 'finishedAt')
if not finished then return { 1 } end
local due = string.format('%.0f', tonumber(finished) + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'expiresAt', due)
return { 1, due }
