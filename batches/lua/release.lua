-- Hands a chunk back: its worker cannot evaluate it now, its job stays in the queue.
-- KEYS: 1 done  2 waiting  3 active
-- ARGV: 1 chunk
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('GETBIT', KEYS[1], ARGV[1]) == 0 then redis.call('SADD', KEYS[2], ARGV[1]) end
return 1
