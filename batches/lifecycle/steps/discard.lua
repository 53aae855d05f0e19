-- Discards a batch whose client stopped sending. The lease is checked in the same step, since the seal removes it: a batch
-- that was sealed in between is acknowledged.
-- KEYS: 1 batch  2 lease
-- Returns 1 when the record is deleted, so that no seal can find it; 0 while the batch is sent, and once it is sealed.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
return 1
