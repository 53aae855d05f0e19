-- Hands a chunk back: its worker cannot evaluate it now, its job stays in the queue.
-- KEYS: 1 batch  2 done  3 waiting  4 active
-- ARGV: 1 chunk
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'queued' and state ~= 'running' then return 0 end
redis.call('SREM', KEYS[4], ARGV[1])
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 0 then redis.call('SADD', KEYS[3], ARGV[1]) end
return 1
