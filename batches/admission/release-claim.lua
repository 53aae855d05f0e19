-- Removes the claim of a batch, and subtracts it from the sums of its tenant and of all tenants.
-- KEYS: 1 amounts  2 sums, as in claim.lua
-- ARGV: 1 batch id
-- Returns 1, or 0 when the batch had no claim.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then return 0 end
local count, tenant = string.match(known, '^(%d+) (.*)$')
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HINCRBY', KEYS[2], tenant, -count) <= 0 then redis.call('HDEL', KEYS[2], tenant) end
redis.call('HINCRBY', KEYS[2], '', -count)
return 1
