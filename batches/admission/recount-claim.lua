-- Changes the number of items or bytes that a batch claims, without checking a limit.
-- KEYS: 1 amounts (items or bytes of each batch)  2 sums (of each tenant), as in claim.lua
-- ARGV: 1 batch id  2 amount
-- Returns 1, or 0 when the batch has no claim.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then return 0 end
local before, tenant = string.match(known, '^(%d+) (.*)$')
local added = tonumber(ARGV[2]) - tonumber(before)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. tenant)
redis.call('HINCRBY', KEYS[2], tenant, added)
redis.call('HINCRBY', KEYS[2], '', added)
return 1
