-- Takes the next chunks of a batch for the queue, so that up to `window` of its chunks wait there. The limit makes a
-- cancel fast, and saves memory.
-- KEYS: 1 batch  2 waiting
-- ARGV: 1 window
-- Returns { 1 if more chunks follow later, else 0; weight of the tenant as text; the chunks to enqueue ... }
local fields = redis.call('HMGET', KEYS[1], 'state', 'cursor', 'chunks', 'weight', 'stopState')
local weight = fields[4] or '1'
if fields[5] or (fields[1] ~= 'queued' and fields[1] ~= 'running') then return { 0, weight } end
local cursor, chunks = tonumber(fields[2]), tonumber(fields[3])
local room = tonumber(ARGV[1]) - redis.call('SCARD', KEYS[2])
local reply = { 0, weight }
while room > 0 and cursor < chunks do
  redis.call('SADD', KEYS[2], cursor)
  reply[#reply + 1] = cursor
  cursor = cursor + 1
  room = room - 1
end
if #reply > 2 then redis.call('HSET', KEYS[1], 'cursor', cursor) end
if cursor < chunks then reply[1] = 1 end
return reply
