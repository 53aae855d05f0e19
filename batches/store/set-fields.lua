-- Sets fields of a batch that exists. Otherwise a deleted batch would exist again with these fields only.
-- KEYS: 1 batch
-- ARGV: field, value, field, value ...
-- Returns 1, or 0 when there is no such batch.
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
