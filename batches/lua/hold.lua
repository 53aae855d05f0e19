-- Renews or gives up a reservation, as long as it is this sender's.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 batch id  2 lease until (ms)
-- Returns 1, or 0 when somebody else has it.
if redis.call('HGET', KEYS[1], 'batchId') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'leaseUntil', ARGV[2])
return 1
