-- What attempts have used, the limit that ended them, and what a worker's
-- self-test has found.

ALTER TABLE results ADD COLUMN memory_peak    INTEGER NOT NULL DEFAULT 0; -- bytes
ALTER TABLE results ADD COLUMN processes_peak INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN bytes_read     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN bytes_written  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN disk_peak      INTEGER NOT NULL DEFAULT 0; -- bytes
ALTER TABLE results ADD COLUMN ceiling        INTEGER NOT NULL DEFAULT 0; -- that the reason names: nanoseconds, bytes or a number
ALTER TABLE results ADD COLUMN peak           INTEGER NOT NULL DEFAULT 0; -- of what it limits
ALTER TABLE results ADD COLUMN workspace      TEXT NOT NULL DEFAULT '';   -- that was kept, on the worker

ALTER TABLE workers ADD COLUMN checks TEXT NOT NULL DEFAULT 'null'; -- JSON
