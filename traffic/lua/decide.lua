-- An operator's word on a canary.
-- KEYS: 1 state  2 window  3 window pairs
-- ARGV: 1 now (ms)  2 phase from now on  3 why
redis.call('HSET', KEYS[1], 'phase', ARGV[2], 'since', ARGV[1], 'startedAt', ARGV[1], 'passed', 0, 'reason', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('DEL', KEYS[2], KEYS[3])
return 1
