-- Reserves an idempotency key for a batch that is about to be received.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 id of the new batch  2 lease (ms)  3 lifetime (s)
--       4 id of a batch whose reservation may be replaced, since its items never arrived completely; '' for none
-- Returns { verdict, id of the batch that has the key }. Verdicts:
--   reserved  the new batch has the key, also when the script is repeated after a lost reply
--   busy      another request is still sending the batch with that id
--   exists    the batch with that id has the key; if its items never arrived, the caller repeats with the id as ARGV 4
--@include ../../shared/redis/now
local known = redis.call('HMGET', KEYS[1], 'batchId', 'leaseUntil')
local now = now_ms()
if known[1] and known[1] ~= ARGV[4] and known[1] ~= ARGV[1] then
  if tonumber(known[2]) > now then return { 'busy', known[1] } end
  return { 'exists', known[1] }
end
redis.call('HSET', KEYS[1], 'batchId', ARGV[1], 'leaseUntil', string.format('%.0f', now + tonumber(ARGV[2])))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return { 'reserved', ARGV[1] }
