-- Keeps items of chunks while their batch is being taken in: what comes after it was stopped or deleted would be nobody's.
-- KEYS: 1 batch  2 input
-- ARGV: chunk, payload, chunk, payload ...
-- Returns 1, or 0 when nobody takes them in any more.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV))
return 1
