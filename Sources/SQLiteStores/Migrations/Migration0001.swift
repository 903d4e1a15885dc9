internal import Stores

extension Schema {
  /// Our first tables, the trigger that makes claims of other programs safe, and the one that
  /// removes what we keep of a study that any program deletes.
  ///
  /// A study has a key that is never used again, so what we keep cannot attach to another study
  /// that gets the same `study_id` later. `claimable_at` is when an attempt's trial may be taken by
  /// another worker: the deadline while it is open, the time of the retry once it was closed for
  /// one, NULL when there is nothing more to run. A trial that another program creates as waiting
  /// is running without a number for a moment, so the guard lets that pass.
  static let migration0001 = Migration(
    version: 1,
    """
    CREATE TABLE IF NOT EXISTS needletail_version (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      version INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS needletail_studies (
      study_key INTEGER PRIMARY KEY AUTOINCREMENT,
      study_id INTEGER NOT NULL UNIQUE,
      study_name TEXT NOT NULL,
      token TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS needletail_notes (
      study_key INTEGER NOT NULL REFERENCES needletail_studies (study_key),
      key TEXT NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (study_key, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS needletail_attempts (
      study_key INTEGER NOT NULL REFERENCES needletail_studies (study_key),
      trial_number INTEGER NOT NULL CHECK (trial_number >= 0),
      attempt INTEGER NOT NULL CHECK (attempt >= 1),
      trial_id INTEGER NOT NULL,
      worker TEXT NOT NULL,
      lease_token TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      deadline INTEGER NOT NULL,
      claimable_at INTEGER,
      ended_at INTEGER,
      outcome TEXT,
      reason TEXT NOT NULL DEFAULT '',
      reports TEXT NOT NULL DEFAULT '[]',
      PRIMARY KEY (study_key, trial_number, attempt),
      CHECK ((ended_at IS NULL) = (outcome IS NULL)),
      CHECK (ended_at IS NOT NULL OR claimable_at = deadline)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS needletail_claimable
      ON needletail_attempts (study_key, claimable_at) WHERE claimable_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS needletail_waiting
      ON trials (study_id) WHERE state = 'WAITING';
    CREATE TRIGGER IF NOT EXISTS needletail_guard BEFORE UPDATE OF state ON trials
    WHEN OLD.state IN ('COMPLETE', 'PRUNED', 'FAIL')
      OR (OLD.state = 'RUNNING' AND NEW.state = 'RUNNING')
      OR (OLD.state = 'RUNNING' AND NEW.state = 'WAITING' AND OLD.number IS NOT NULL)
    BEGIN
      SELECT RAISE(ABORT, 'the trial is finished, or runs already');
    END;
    CREATE TRIGGER IF NOT EXISTS needletail_cleanup AFTER DELETE ON studies
    BEGIN
      DELETE FROM needletail_attempts WHERE study_key IN
        (SELECT study_key FROM needletail_studies WHERE study_id = OLD.study_id);
      DELETE FROM needletail_notes WHERE study_key IN
        (SELECT study_key FROM needletail_studies WHERE study_id = OLD.study_id);
      DELETE FROM needletail_studies WHERE study_id = OLD.study_id;
    END;
    """)
}
