-- Stores a session. A full Redis refuses a script that needs memory, unless the script has already written something.
-- DEL is that first write: operators must be able to sign in to a full Redis, in order to delete batches.
-- KEYS: 1 key of the session
-- ARGV: 1 id of the API key  2 lifetime (s)
-- Returns 1.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
