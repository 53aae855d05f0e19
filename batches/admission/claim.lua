-- Sets the number of items or bytes that a batch claims, and updates the sums of its tenant and of all tenants.
-- KEYS: 1 amounts (hash: batch id -> "<amount> <tenant>")  2 sums (hash: tenant -> sum; '' -> sum of all)
-- ARGV: 1 batch id  2 tenant  3 amount  4 limit of the tenant, 0 for none
--       5 limit of all tenants together, 0 for none
-- Returns { verdict, sum }. Verdicts:
--   ok      claimed; `sum` is the new sum of the tenant
--   tenant  refused by the limit of the tenant; `sum` is the sum of the tenant
--   total   refused by the limit of all tenants; `sum` is the sum of all tenants
local before = tonumber(string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '0', '^%d+'))
local added = tonumber(ARGV[3]) - before
local of_tenant = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)
local of_all = tonumber(redis.call('HGET', KEYS[2], '') or 0)
local function forbids(limit, sum) return limit > 0 and added > 0 and sum + added > limit end
if forbids(tonumber(ARGV[4]), of_tenant) then return { 'tenant', tostring(of_tenant) } end
if forbids(tonumber(ARGV[5]), of_all) then return { 'total', tostring(of_all) } end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
redis.call('HINCRBY', KEYS[2], ARGV[2], added)
redis.call('HINCRBY', KEYS[2], '', added)
return { 'ok', tostring(of_tenant + added) }
