-- Stores the items of chunks while their batch is in state `accepting`. Later, nothing would remove them.
-- KEYS: 1 batch  2 input
-- ARGV: chunk, payload, chunk, payload ...
-- Returns 1, or 0 when the batch is in another state.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV))
return 1
