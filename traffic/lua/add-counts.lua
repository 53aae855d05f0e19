-- Adds the counts of a process to the counts of an experiment.
-- KEYS: 1 state  2 totals  3 window  4 window pairs  5 canary pairs  6 canary worst  7 shadow pairs  8 shadow worst
-- ARGV: 1 lifetime (ms)  2 JSON { add: {field: number}, max: {field: number},
--         canary, shadow: { pairs: [text], worst: [[difference, text]] } }  3 '1' when there is a canary
-- Returns { phase, number of the current window, start of that window (ms), time now (ms) }, or {} without a canary.
--@include ../../shared/redis/now
local pairs_kept, window_pairs_kept, worst_kept = 2000, 10000, 50
local seen = cjson.decode(ARGV[2])
local on_trial = false
local now = string.format('%.0f', now_ms())
if ARGV[3] == '1' then
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'phase', 'trial', 'number', 1, 'passed', 0, 'startedAt', now, 'since', now)
  end
  on_trial = redis.call('HGET', KEYS[1], 'phase') == 'trial'
end
for field, value in pairs(seen.add) do
  redis.call('HINCRBYFLOAT', KEYS[2], field, value)
  if on_trial then redis.call('HINCRBYFLOAT', KEYS[3], field, value) end
end
for field, value in pairs(seen.max) do
  local known = tonumber(redis.call('HGET', KEYS[2], field) or -1)
  if value > known then redis.call('HSET', KEYS[2], field, value) end
end
local function keep(from, list, worst)
  if #from.pairs > 0 then
    redis.call('LPUSH', list, unpack(from.pairs))
    redis.call('LTRIM', list, 0, pairs_kept - 1)
  end
  for _, item in ipairs(from.worst) do redis.call('ZADD', worst, item[1], item[2]) end
  redis.call('ZREMRANGEBYRANK', worst, 0, -worst_kept - 1)
end
keep(seen.canary, KEYS[5], KEYS[6])
keep(seen.shadow, KEYS[7], KEYS[8])
if on_trial and #seen.canary.pairs > 0 then
  redis.call('LPUSH', KEYS[4], unpack(seen.canary.pairs))
  redis.call('LTRIM', KEYS[4], 0, window_pairs_kept - 1)
end
-- The state is kept, because it says whether the canary was promoted.
for at = 2, #KEYS do redis.call('PEXPIRE', KEYS[at], ARGV[1]) end
if ARGV[3] ~= '1' then return {} end
local state = redis.call('HMGET', KEYS[1], 'phase', 'number', 'startedAt')
return { state[1], state[2], state[3], now }
