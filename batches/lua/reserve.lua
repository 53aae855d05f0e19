-- Reserves an idempotency key for a batch that is about to be received.
-- KEYS: 1 reservation (hash: batchId, leaseUntil)
-- ARGV: 1 id the new batch would have  2 now (ms)  3 lease (ms)  4 lifetime (s)  5 batch known to have come to nothing, or ''
-- Returns { verdict, batch id }. Verdicts:
--   mine    receive it (also when the answer was lost and it is asked again)
--   busy    somebody is receiving it
--   exists  it led to that batch; should that have come to nothing, ask again and say so
local known = redis.call('HMGET', KEYS[1], 'batchId', 'leaseUntil')
if known[1] and known[1] ~= ARGV[5] and known[1] ~= ARGV[1] then
  if tonumber(known[2]) > tonumber(ARGV[2]) then return { 'busy', known[1] } end
  return { 'exists', known[1] }
end
redis.call('HSET', KEYS[1], 'batchId', ARGV[1], 'leaseUntil', string.format('%.0f', tonumber(ARGV[2]) + tonumber(ARGV[3])))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return { 'mine', ARGV[1] }
