-- Deletes the record of a batch whose client has stopped sending (state `accepting`, no lease). Check and deletion are
-- one step, since the batch may be sealed (received completely) meanwhile, and must then stay.
-- KEYS: 1 batch  2 lease
-- Returns 1 when the record is deleted; 0 while a client sends the batch, or after it was sealed.
if redis.call('HGET', KEYS[1], 'state') ~= 'accepting' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
return 1
