-- Opens the window of a batch.
-- KEYS: 1 batch  2 waiting
-- ARGV: 1 window
-- Returns the chunk numbers to enqueue.
--@include fill-window
return fill_window(KEYS[1], KEYS[2], tonumber(ARGV[1]))
