-- Stores a session. Removed first: a full Redis refuses what may grow, but not to a script that has already written; and
-- operators must be able to sign in to a full one, to delete batches.
-- KEYS: 1 session
-- ARGV: 1 id of the API key  2 lifetime (s)
-- Returns 1.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
