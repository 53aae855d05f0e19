-- Ends the intake of a batch: from here on it is acknowledged and nothing of it may be lost.
-- KEYS: 1 batch  2 lease  3 events
-- ARGV: 1 chunks  2 items  3 SHA-256 of the body, or ''
-- Returns 1, or 0 when the batch is gone or was sealed before.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'queued', 'chunks', ARGV[1], 'total', ARGV[2], 'cursor', 0)
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'bodyHash', ARGV[3]) end
redis.call('XADD', KEYS[3], '*', 'type', 'state', 'state', 'queued')
redis.call('DEL', KEYS[2])
return 1
