-- Included piece: ends a stopped batch once no chunk of it is in flight, or the time of those is over. Needs the pieces
-- `now` and `finish`.
-- Returns the state it has ended in; nil when the batch is not stopped, or chunks are in flight.
local function end_stopped(batch, active, events, retention)
  local stop = redis.call('HMGET', batch, 'stopState', 'stopReason', 'stopUntil')
  if not stop[1] then return nil end
  if redis.call('SCARD', active) > 0 and now_ms() < tonumber(stop[3]) then return nil end
  redis.call('DEL', active)
  finish(batch, events, stop[1], stop[2] or '', retention)
  return stop[1]
end

-- Records that a batch takes no more chunks, and the state in which it will end. The first stop counts.
local function note_stop(batch, state, reason, in_flight)
  if redis.call('HEXISTS', batch, 'stopState') == 1 then return end
  redis.call('HSET', batch, 'stopState', state, 'stopReason', reason,
    'stopUntil', string.format('%.0f', now_ms() + tonumber(in_flight)))
end
