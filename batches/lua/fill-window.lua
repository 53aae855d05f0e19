-- Included piece: the next chunks to hand to the queue, so that `window` of them wait there.
-- A batch holds O(window) jobs, however long it is: cancelling it and its share of Redis' memory stay small.
local function fill_window(batch, waiting, window)
  local fields = redis.call('HMGET', batch, 'state', 'cursor', 'chunks')
  local next_chunks = {}
  if fields[1] ~= 'queued' and fields[1] ~= 'running' then return next_chunks end
  local cursor, chunks = tonumber(fields[2]), tonumber(fields[3])
  local room = window - redis.call('SCARD', waiting)
  while room > 0 and cursor < chunks do
    redis.call('SADD', waiting, cursor)
    next_chunks[#next_chunks + 1] = cursor
    cursor = cursor + 1
    room = room - 1
  end
  if #next_chunks > 0 then redis.call('HSET', batch, 'cursor', cursor) end
  return next_chunks
end
