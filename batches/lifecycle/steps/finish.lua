-- Included piece: the terminal transition. Items without an outcome are counted cancelled, so that at a terminal state
-- succeeded + failed + cancelled = total. Nothing of the batch changes after it. Needs the piece `now`.
-- Returns when the batch will be forgotten (ms).
local function finish(batch, events, state, reason, retention)
  local fields = redis.call('HMGET', batch, 'total', 'succeeded', 'failed')
  local cancelled = tonumber(fields[1]) - tonumber(fields[2]) - tonumber(fields[3])
  local now = now_ms()
  local expires_at = string.format('%.0f', now + tonumber(retention))
  redis.call('HSET', batch, 'state', state, 'cancelled', cancelled, 'finishedAt', string.format('%.0f', now),
    'expiresAt', expires_at)
  if reason ~= '' then redis.call('HSET', batch, 'reason', reason) end
  redis.call('XADD', events, '*', 'type', 'end', 'state', state)
  return expires_at
end
