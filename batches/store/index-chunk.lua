-- Adds a committed chunk of an older release to the score index. Safe to repeat.
-- KEYS: 1 batch  2 offsets  then the segments of the index
-- ARGV: 1 chunk  then the arguments of write-scores.lua
-- Returns 1, or 0 when there is no such batch.
--@include write-scores
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 0 end
write_scores(KEYS[1], ARGV[1], KEYS, 2, ARGV, 2)
return 1
