-- Stores a session. DEL comes first because a full Redis refuses a script whose first write needs memory, and
-- operators must be able to sign in then, to delete batches.
-- KEYS: 1 key of the session
-- ARGV: 1 id of the API key  2 lifetime (s)
-- Returns 1.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
