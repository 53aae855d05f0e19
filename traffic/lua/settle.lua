-- Ends a window of a canary with its verdict. Only the first call for a window has an effect.
-- KEYS: 1 state  2 window  3 window pairs  4 judged windows
-- ARGV: 1 number of the window  2 the judged window as JSON  3 new phase  4 number of windows passed in a row
--       5 reason for a change of the phase, or empty  6 lifetime (ms)
-- Returns 1, or 0 when the window has already ended.
--@include ../../shared/redis/now
local now = string.format('%.0f', now_ms())
local known = redis.call('HMGET', KEYS[1], 'phase', 'number')
if known[1] ~= 'trial' or known[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'phase', ARGV[3], 'number', ARGV[1] + 1, 'passed', ARGV[4], 'startedAt', now)
if ARGV[3] ~= 'trial' then redis.call('HSET', KEYS[1], 'since', now, 'reason', ARGV[5]) end
redis.call('LPUSH', KEYS[4], ARGV[2])
redis.call('LTRIM', KEYS[4], 0, 49)
redis.call('PEXPIRE', KEYS[4], ARGV[6])
redis.call('DEL', KEYS[2], KEYS[3])
return 1
