-- Stores the outcomes of a chunk, once. The last chunk ends the batch. Too many failed items stop it.
-- KEYS: 1 batch  2 done  3 waiting  4 active  5 failures  6 log  7 output  8 events  9 histogram  10 lowest  11 highest
--       12 hash of image embeddings  13 hash of text embeddings
--       14 offsets  then the segments of the score index
-- ARGV: 1 chunk  2 result payload  3 retention (ms)  4 tally (JSON; the type Tally in batches/lifecycle/steps/tally.ts)
--       5 time within which chunks in flight must end after the failure budget is exceeded (ms)
--       6 number of lowest items to store, and of highest items  7 time between two progress marks (ms)
--       8 number of events to store
--       9 embeddings of the images, 10 embeddings of the texts; empty if the batch stores none
--       11 and further: the arguments of write-scores.lua
-- Returns { verdict, state of the batch, 1 if this commit has stopped the batch, else 0 }; only the verdict for `gone`.
-- Verdicts:
--   committed  the outcomes are counted
--   already    the chunk already has outcomes, so nothing is written
--   late       the batch had already ended, so the items of the chunk stay cancelled
--   gone       the batch does not exist
--@include ../../../shared/redis/now
--@include finish
--@include end-stopped
--@include ../../store/write-scores
-- Parsed before anything is written, since Redis does not undo the writes of a script that fails.
local tally = cjson.decode(ARGV[4])
local cosine_sum, score_sum = tally.cosineSum + 0, tally.scoreSum + 0
assert(tally.succeeded + tally.failed > 0 and cosine_sum == cosine_sum and score_sum == score_sum)

local fields = redis.call('HMGET', KEYS[1], 'state', 'total', 'succeeded', 'failed', 'cancelled', 'budgetCount',
  'budgetShare', 'budgetAfter', 'nextMarkAt', 'nextMarkItems', 'stopState')
local state = fields[1]
if not state or state == 'accepting' then return { 'gone' } end
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
if redis.call('GETBIT', KEYS[2], ARGV[1]) == 1 then return { 'already', state, 0 } end
if state ~= 'queued' and state ~= 'running' then return { 'late', state, 0 } end

local total, now = tonumber(fields[2]), now_ms()
local succeeded = tonumber(fields[3]) + tally.succeeded
local failed = tonumber(fields[4]) + tally.failed

redis.call('SETBIT', KEYS[2], ARGV[1], 1)
redis.call('HSET', KEYS[7], ARGV[1], ARGV[2])
for at = 0, 1 do
  if #ARGV[9 + at] > 0 then redis.call('HSET', KEYS[12 + at], ARGV[1], ARGV[9 + at]) end
end
redis.call('HINCRBY', KEYS[1], 'outputBytes',
  #ARGV[2] + #ARGV[9] + #ARGV[10] + write_scores(KEYS[1], ARGV[1], KEYS, 14, ARGV, 11))
redis.call('RPUSH', KEYS[6], ARGV[1])
for code, count in pairs(tally.codes) do redis.call('HINCRBY', KEYS[5], code, count) end
for bin, count in pairs(tally.bins) do redis.call('HINCRBY', KEYS[9], bin, count) end
if tally.succeeded > 0 then
  redis.call('HINCRBYFLOAT', KEYS[1], 'cosineSum', cosine_sum)
  redis.call('HINCRBYFLOAT', KEYS[1], 'scoreSum', score_sum)
end
local function store_extremes(key, items, worst, field)
  if #items == 0 then return end
  for _, item in ipairs(items) do redis.call('ZADD', key, item[1], item[2]) end
  local over = redis.call('ZCARD', key) - tonumber(ARGV[6])
  if over > 0 then
    if worst == 'high' then redis.call('ZPOPMAX', key, over) else redis.call('ZPOPMIN', key, over) end
  end
  -- Workers read this limit with their next chunk, and then send no items beyond it.
  if over >= 0 then
    local edge = worst == 'high' and redis.call('ZRANGE', key, -1, -1, 'WITHSCORES') or redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    redis.call('HSET', KEYS[1], field, edge[2])
  end
end
store_extremes(KEYS[10], tally.lowest, 'high', 'lowestBelow')
store_extremes(KEYS[11], tally.highest, 'low', 'highestAbove')

-- Workers of older releases send no `formulas`. Cells of metadata (`own`) are CSV columns only in a batch with columns.
if tally.formulas then
  local has_columns = redis.call('HEXISTS', KEYS[1], 'columns') == 1
  for status, cells in pairs(tally.formulas) do
    redis.call('HINCRBY', KEYS[1], status .. 'Formulas', cells.common + (has_columns and cells.own or 0))
  end
end

redis.call('HSET', KEYS[1], 'succeeded', succeeded, 'failed', failed)
redis.call('HDEL', KEYS[1], 'waitingFor', 'waitingSince')
-- Stores two progress marks (a time and the number of outcomes then). The status shows the rate since the older one,
-- which covers the last five to ten seconds.
if not fields[9] or now - tonumber(fields[9]) > tonumber(ARGV[7]) then
  if fields[9] then redis.call('HSET', KEYS[1], 'markAt', fields[9], 'markItems', fields[10]) end
  redis.call('HSET', KEYS[1], 'nextMarkAt', string.format('%.0f', now), 'nextMarkItems', succeeded + failed)
end
redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[8], '*', 'type', 'progress', 'total', total, 'succeeded', succeeded,
  'failed', failed, 'samples', cjson.encode(tally.samples))

local stop = fields[11]
if succeeded + failed >= total and stop ~= 'failed' then
  if failed == 0 then
    state = 'completed'
  elseif succeeded == 0 then
    state = 'failed'
  else
    state = 'completed_with_errors'
  end
  finish(KEYS[1], KEYS[8], state, state == 'failed' and 'all_failed' or '', ARGV[3])
  return { 'committed', state, 0 }
end
if not stop then
  local count, share, after = tonumber(fields[6] or ''), tonumber(fields[7] or ''), tonumber(fields[8] or '0')
  local spent = (count and failed > count) or (share and failed > share * (succeeded + failed))
  if spent and succeeded + failed >= after then note_stop(KEYS[1], 'failed', 'failure_budget', ARGV[5]) end
end
local ended = end_stopped(KEYS[1], KEYS[4], KEYS[8], ARGV[3])
local has_stopped = not stop and redis.call('HEXISTS', KEYS[1], 'stopState') or 0
return { 'committed', ended or state, has_stopped }
