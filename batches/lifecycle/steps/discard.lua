-- Gives up a batch whose sender is not heard of any more. In one step with the look at its lease, since the seal removes
-- that: a batch that was sealed in between is acknowledged.
-- KEYS: 1 batch  2 lease
-- Returns 1 when the record is gone, so that no seal can find it; 0 when the batch is being sent, or is sealed.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
return 1
