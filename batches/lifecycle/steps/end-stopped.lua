-- Included in other scripts, after now.lua and finish.lua. Ends a stopped batch when none of its chunks is in flight,
-- or when their time is over.
-- Returns the final state of the batch; nil when the batch has not ended.
local function end_stopped(batch, active, events, retention)
  local stop = redis.call('HMGET', batch, 'stopState', 'stopReason', 'stopUntil')
  if not stop[1] then return nil end
  if redis.call('SCARD', active) > 0 and now_ms() < tonumber(stop[3]) then return nil end
  redis.call('DEL', active)
  finish(batch, events, stop[1], stop[2] or '', retention)
  return stop[1]
end

-- Marks a batch as stopped, with the state in which it will end. A second stop has no effect.
local function note_stop(batch, state, reason, in_flight)
  if redis.call('HEXISTS', batch, 'stopState') == 1 then return end
  redis.call('HSET', batch, 'stopState', state, 'stopReason', reason,
    'stopUntil', string.format('%.0f', now_ms() + tonumber(in_flight)))
end
