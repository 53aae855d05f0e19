-- Reserves an idempotency key for a batch that is about to be received.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 id the new batch would have  2 lease (ms)  3 lifetime (s)  4 batch known to have come to nothing, or ''
-- Returns { verdict, batch id }. Verdicts:
--   mine    receive it (also when the answer was lost and it is asked again)
--   busy    another sender's request is being received
--   exists  it led to that batch; should that have come to nothing, ask again and say so
--@include ../../../shared/redis/now
local known = redis.call('HMGET', KEYS[1], 'batchId', 'leaseUntil')
local now = now_ms()
if known[1] and known[1] ~= ARGV[4] and known[1] ~= ARGV[1] then
  if tonumber(known[2]) > now then return { 'busy', known[1] } end
  return { 'exists', known[1] }
end
redis.call('HSET', KEYS[1], 'batchId', ARGV[1], 'leaseUntil', string.format('%.0f', now + tonumber(ARGV[2])))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return { 'mine', ARGV[1] }
