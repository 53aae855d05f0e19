-- Credits a tenant with the cost of jobs that were not processed; see take-turns.lua. Removes each job from `starts`,
-- so that it is credited only once.
-- KEYS: 1 turns  2 starts, as in take-turns.lua
-- ARGV: 1 tenant  2 weight  then job id, cost, job id, cost ...
-- Returns the number of credited jobs.
local refunded, count = 0, 0
for i = 3, #ARGV, 2 do
  if redis.call('HDEL', KEYS[2], ARGV[i]) == 1 then
    refunded = refunded + tonumber(ARGV[i + 1]) / tonumber(ARGV[2])
    count = count + 1
  end
end
if count > 0 then
  local field = 'finish:' .. ARGV[1]
  local finish = tonumber(redis.call('HGET', KEYS[1], field) or 0)
  -- With a weight that is not a power of two, rounding could make the difference negative.
  redis.call('HSET', KEYS[1], field, math.max(0, finish - refunded))
end
return count
