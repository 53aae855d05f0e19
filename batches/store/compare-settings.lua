-- Stores the settings of a process, and returns those of the other processes of its service. Forgets processes that
-- have not called this within the lifetime, so that differences end after a rolling restart.
-- KEYS: 1 settings (hash: process -> "<time in ms> <settings as JSON>")
-- ARGV: 1 process  2 settings as JSON  3 lifetime (ms)
-- Returns the settings of each other process as JSON.
--@include ../../shared/redis/now
local now = now_ms()
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local others = {}
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local seen, settings = string.match(all[at + 1], '^(%d+) (.*)$')
  if now - tonumber(seen) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[at])
  elseif all[at] ~= ARGV[1] then
    others[#others + 1] = settings
  end
end
return others
