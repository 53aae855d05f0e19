-- Deletes the record of a batch whose client has stopped sending: the batch is in state `accepting`, and has no lease.
-- The check and the deletion are one step, since the batch may be sealed (received completely) at the same time. A
-- sealed batch is acknowledged and must stay.
-- KEYS: 1 batch  2 lease
-- Returns 1 when the record is deleted, so that the batch can no longer be sealed; 0 while a client sends the batch, or
-- after it was sealed.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
return 1
