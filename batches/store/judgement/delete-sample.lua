-- Deletes the sample of a batch and its labels.
-- KEYS: 1 judgement
-- ARGV: 1 id of the sample, or '' for any
-- Returns one of these verdicts:
--   deleted  the batch has no sample now
--   other    the batch has another sample
local sample = redis.call('HGET', KEYS[1], 'sample')
if not sample then return 'deleted' end
if ARGV[1] ~= '' and ARGV[1] ~= sample then return 'other' end
redis.call('DEL', KEYS[1])
return 'deleted'
