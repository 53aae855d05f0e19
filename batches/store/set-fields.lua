-- Sets fields of a batch that still exists: one that is forgotten must not come back in part.
-- KEYS: 1 batch
-- ARGV: field, value, field, value ...
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
