-- Included in other scripts, after now.lua. Ends a batch. Items without an outcome count as cancelled, so that
-- succeeded + failed + cancelled = total.
local function finish(batch, events, state, reason, retention)
  local fields = redis.call('HMGET', batch, 'total', 'succeeded', 'failed', 'retentionMs')
  local cancelled = tonumber(fields[1]) - tonumber(fields[2]) - tonumber(fields[3])
  local now = now_ms()
  redis.call('HSET', batch, 'state', state, 'cancelled', cancelled, 'finishedAt', string.format('%.0f', now),
    'expiresAt', string.format('%.0f', now + tonumber(fields[4] or retention)))
  if reason ~= '' then redis.call('HSET', batch, 'reason', reason) end
  redis.call('XADD', events, '*', 'type', 'end', 'state', state)
end
