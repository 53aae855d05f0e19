-- Renews or ends the lease of an idempotency key that a batch has reserved, or removes the reservation.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 batch id  2 new duration of the lease (ms); 0 ends the lease, -1 removes the reservation
-- Returns 1, or 0 when the reservation no longer exists or belongs to another batch.
--@include ../../shared/redis/now
if redis.call('HGET', KEYS[1], 'batchId') ~= ARGV[1] then return 0 end
if ARGV[2] == '-1' then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'leaseUntil', string.format('%.0f', now_ms() + tonumber(ARGV[2])))
return 1
