-- Sets the phase of a canary as an operator has decided, and starts a new window.
-- KEYS: 1 state  2 window  3 window pairs
-- ARGV: 1 new phase  2 reason
-- Returns 1.
--@include ../../shared/redis/now
local now = string.format('%.0f', now_ms())
redis.call('HSET', KEYS[1], 'phase', ARGV[1], 'since', now, 'startedAt', now, 'passed', 0, 'reason', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('DEL', KEYS[2], KEYS[3])
return 1
