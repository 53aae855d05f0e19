-- Ends a window of a canary with what was found, once: many processes may judge the same one.
-- KEYS: 1 state  2 window  3 window pairs  4 windows
-- ARGV: 1 number of the window  2 now (ms)  3 the judged window as JSON  4 phase from now on  5 windows passed in a row
--       6 why the phase changes, or nothing  7 lifetime (ms)
-- Returns 1, or 0 when that window is over.
local known = redis.call('HMGET', KEYS[1], 'phase', 'number')
if known[1] ~= 'trial' or known[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'phase', ARGV[4], 'number', ARGV[1] + 1, 'passed', ARGV[5], 'startedAt', ARGV[2])
if ARGV[4] ~= 'trial' then redis.call('HSET', KEYS[1], 'since', ARGV[2], 'reason', ARGV[6]) end
redis.call('LPUSH', KEYS[4], ARGV[3])
redis.call('LTRIM', KEYS[4], 0, 49)
redis.call('PEXPIRE', KEYS[4], ARGV[7])
redis.call('DEL', KEYS[2], KEYS[3])
return 1
