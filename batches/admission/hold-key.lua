-- Renews, ends or removes a batch's reservation of an idempotency key. A reservation of another batch stays.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 batch id  2 lease (ms); 0 ends the lease, -1 removes the reservation
-- Returns 1, or 0 when the key is reserved for another batch.
--@include ../../shared/redis/now
if redis.call('HGET', KEYS[1], 'batchId') ~= ARGV[1] then return 0 end
if ARGV[2] == '-1' then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'leaseUntil', string.format('%.0f', now_ms() + tonumber(ARGV[2])))
return 1
