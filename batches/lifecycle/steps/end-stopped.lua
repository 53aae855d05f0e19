-- Included piece: ends a batch that was stopped, once no chunk of it is in flight or the time of those is up. Needs the
-- pieces `now` and `finish`.
-- Returns the state it has ended in and when it will be forgotten (ms); nothing when it was not stopped, or not yet ended.
local function end_stopped(batch, active, events, retention)
  local stop = redis.call('HMGET', batch, 'stopState', 'stopReason', 'stopUntil')
  if not stop[1] then return nil end
  if redis.call('SCARD', active) > 0 and now_ms() < tonumber(stop[3]) then return nil end
  redis.call('DEL', active)
  return stop[1], finish(batch, events, stop[1], stop[2] or '', retention)
end

-- Notes that a batch takes no more chunks, and what it will end as. The first stop counts.
local function note_stop(batch, state, reason, in_flight)
  if redis.call('HEXISTS', batch, 'stopState') == 1 then return end
  redis.call('HSET', batch, 'stopState', state, 'stopReason', reason,
    'stopUntil', string.format('%.0f', now_ms() + tonumber(in_flight)))
end
