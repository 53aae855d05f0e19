-- Gives jobs their positions in the fair order of all tenants of a profile (start-time fair queueing). Each job has a
-- start and a finish, and finish - start = cost / weight. V is the start of the job that was taken last. The next job
-- of a tenant starts at max(V, finish of its previous job), and the earliest start is taken first. A tenant that had no
-- jobs starts at V, without credit for its absence. `finish:<tenant>` grows with each job; refund-turns.lua lowers it
-- again.
-- KEYS: 1 turns (hash: V, base, finish:<tenant>)  2 starts (hash: job id -> start)  3 BullMQ's prioritized jobs
-- ARGV: 1 id of the job that was taken, or ''  2 tenant  3 weight  then job id, cost, job id, cost ...
-- Returns a BullMQ priority for each job: start - base + 1, since BullMQ serves 0 before all others.
local highest_priority = 2 ^ 20
local state = redis.call('HMGET', KEYS[1], 'V', 'base', 'finish:' .. ARGV[2])
local V, base = tonumber(state[1] or 0), tonumber(state[2] or 0)
local last = tonumber(state[3] or 0)

if ARGV[1] ~= '' then
  local start = redis.call('HGET', KEYS[2], ARGV[1])
  if start then
    redis.call('HDEL', KEYS[2], ARGV[1])
    if tonumber(start) > V then
      V = tonumber(start)
      redis.call('HSET', KEYS[1], 'V', V)
    end
  end
end

-- BullMQ's priorities end at 2^21, so those of all waiting jobs are lowered in time. This takes about 4 us a job; a
-- queue of 5,000 jobs or more waits as long as possible.
local served = V - base
if served > highest_priority and (redis.call('ZCARD', KEYS[3]) < 5000 or served > 1.8 * highest_priority) then
  local shift = (V - base) * 2 ^ 32
  local waiting = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #waiting, 2 do
    redis.call('ZADD', KEYS[3], string.format('%.0f', math.max(2 ^ 32, tonumber(waiting[i + 1]) - shift)), waiting[i])
  end
  base = V
  redis.call('HSET', KEYS[1], 'base', base)
end

local priorities = {}
for i = 4, #ARGV, 2 do
  -- A job that already waits keeps its start. A second one could not be credited, since `starts` has one entry per job.
  local start = tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '')
  if not start then
    start = math.max(V, last)
    last = start + tonumber(ARGV[i + 1]) / tonumber(ARGV[3])
    redis.call('HSET', KEYS[2], ARGV[i], start)
  end
  priorities[#priorities + 1] = math.max(1, math.min(2 ^ 21 - 1, math.floor(start - base) + 1))
end
if #priorities > 0 then redis.call('HSET', KEYS[1], 'finish:' .. ARGV[2], last) end
return priorities
