-- Stores a sample of pairs to judge, without labels. It replaces the former sample and its labels.
-- KEYS: 1 batch  2 judgement
-- ARGV: 1 id of the sample  2 '=' and the id of the sample that must be there ('=' alone: none), or '' for any
--       3 threshold or ''  4 edges  5 indexes, in the order of the sample  then each index
-- Returns one of these verdicts:
--   started  the sample is stored
--   other    the batch has another sample than the one in ARGV 2
--   gone     the batch does not exist
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 'gone' end
local former = redis.call('HGET', KEYS[2], 'sample') or ''
if ARGV[2] ~= '' and ARGV[2] ~= '=' .. former then return 'other' end
redis.call('DEL', KEYS[2])
local fields = { 'sample', ARGV[1], 'threshold', ARGV[3], 'edges', ARGV[4], 'indexes', ARGV[5] }
for at = 6, #ARGV do
  fields[#fields + 1] = ARGV[at]
  fields[#fields + 1] = 'open'
end
redis.call('HSET', KEYS[2], unpack(fields))
return 'started'
