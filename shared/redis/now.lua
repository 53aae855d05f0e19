-- Included piece: Redis' own time, in ms. No script is given the clock of a process: one that was four days ahead
-- deleted 3,125 finished batches of others in 80 s.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
