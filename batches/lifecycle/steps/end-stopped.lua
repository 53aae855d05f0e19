-- Included piece: ends a stopped batch when none of its chunks is in flight, or their time is over. Needs the pieces
-- `now` and `finish`.
-- Returns the final state of the batch; nil when the batch is not stopped, or its chunks in flight still have time.
local function end_stopped(batch, active, events, retention)
  local stop = redis.call('HMGET', batch, 'stopState', 'stopReason', 'stopUntil')
  if not stop[1] then return nil end
  if redis.call('SCARD', active) > 0 and now_ms() < tonumber(stop[3]) then return nil end
  redis.call('DEL', active)
  finish(batch, events, stop[1], stop[2] or '', retention)
  return stop[1]
end

-- Marks a batch as stopped: no more of its chunks are evaluated. Stores its final state. Only the first stop has an effect.
local function note_stop(batch, state, reason, in_flight)
  if redis.call('HEXISTS', batch, 'stopState') == 1 then return end
  redis.call('HSET', batch, 'stopState', state, 'stopReason', reason,
    'stopUntil', string.format('%.0f', now_ms() + tonumber(in_flight)))
end
