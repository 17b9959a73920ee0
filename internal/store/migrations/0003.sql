-- Attempts that are given up while their worker may still be back, what came of
-- them too late, drains, and what is collected.

ALTER TABLE tasks ADD COLUMN lost_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE results ADD COLUMN late_state  INTEGER NOT NULL DEFAULT 0; -- 0: nothing came
ALTER TABLE results ADD COLUMN late_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE results ADD COLUMN late_at     INTEGER NOT NULL DEFAULT 0;

ALTER TABLE workers ADD COLUMN departed INTEGER NOT NULL DEFAULT 0; -- with a goodbye
ALTER TABLE workers ADD COLUMN drain    TEXT NOT NULL DEFAULT 'null'; -- JSON

-- A job that is being collected is gone for everybody, though some of its rows
-- are still there.
ALTER TABLE progress ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

-- Jobs of which tasks have left the queue and not ended.
CREATE INDEX progress_touched ON progress (job) WHERE ended_at = 0 AND queued + assigned + running > 0;

-- Lists by state, among a million jobs of others.
CREATE INDEX progress_started ON progress (job) WHERE ended_at = 0 AND state > 1;
CREATE INDEX progress_over ON progress (state, job) WHERE ended_at > 0;

ALTER TABLE ledger ADD COLUMN queued INTEGER NOT NULL DEFAULT -1; -- tasks that wait; -1: to be counted
ALTER TABLE ledger ADD COLUMN live   INTEGER NOT NULL DEFAULT -1; -- jobs that are not over; likewise

-- Which jobs read which blobs.
CREATE TABLE inputs (
    blob TEXT NOT NULL,
    job  INTEGER NOT NULL,
    PRIMARY KEY (blob, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX inputs_by_job ON inputs (job);
