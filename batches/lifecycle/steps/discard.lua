-- Deletes a batch in state `accepting` whose client stopped sending. Checks the lease in the same step: sealing removes
-- the lease, and a batch that was sealed meanwhile is acknowledged and must stay.
-- KEYS: 1 batch  2 lease
-- Returns 1 when the record is deleted, so that the batch can no longer be sealed; 0 while a client sends it or once it is sealed.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
return 1
