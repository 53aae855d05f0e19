-- Sets labels of a sample. Each label is a field, so people who judge at the same time keep each other's labels.
-- KEYS: 1 batch  2 judgement
-- ARGV: 1 id of the sample  then index, label, index, label ...; a label is right, wrong or open
-- Returns one of these verdicts:
--   { 'set', right, wrong, open }  the labels are set; with the numbers of pairs of the sample
--   { 'outside', index }           the sample does not have this pair; no label is set
--   { 'other' }                    the batch has another sample, or none
--   { 'gone' }                     the batch does not exist
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then return { 'gone' } end
if redis.call('HGET', KEYS[2], 'sample') ~= ARGV[1] then return { 'other' } end
for at = 2, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 then return { 'outside', ARGV[at] } end
end
redis.call('HSET', KEYS[2], unpack(ARGV, 2))
local counts = { right = 0, wrong = 0, open = 0 }
for _, value in ipairs(redis.call('HVALS', KEYS[2])) do
  if counts[value] then counts[value] = counts[value] + 1 end
end
return { 'set', counts.right, counts.wrong, counts.open }
