-- Seals a batch: records that all its items were received. It is then acknowledged, and none of its items may be lost.
-- KEYS: 1 batch  2 lease  3 events
-- ARGV: 1 chunks  2 items  3 SHA-256 of the body  4 columns (JSON)  5 column names (JSON)
--       6 column types (JSON)  7 bytes of its inputs in Redis; 3 to 6 are '' when absent
-- Returns 1, also when the script is repeated after a lost reply; 0 when the batch was deleted or stopped.
local known = redis.call('HMGET', KEYS[1], 'state', 'chunks', 'total')
if not known[1] then return 0 end
if known[1] ~= 'accepting' then return (known[2] == ARGV[1] and known[3] == ARGV[2]) and 1 or 0 end
redis.call('HSET', KEYS[1], 'state', 'queued', 'chunks', ARGV[1], 'total', ARGV[2], 'cursor', 0,
  'inputBytes', ARGV[7])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'bodyHash', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'columns', ARGV[4], 'columnNames', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'columnTypes', ARGV[6]) end
redis.call('XADD', KEYS[3], '*', 'type', 'state', 'state', 'queued')
redis.call('DEL', KEYS[2])
return 1
