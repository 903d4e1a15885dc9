internal import Stores

extension Schema {
  /// Our first tables in PostgreSQL, with indexes, and the triggers: the one that makes claims of
  /// other programs safe, and the one that removes what we keep of a study that any program
  /// deletes; then the functions. The numbers are those of the SQLite store, whose first version
  /// never stood here.
  ///
  /// The tables mean what those of the SQLite store mean. Deadlines are microseconds since 1970 by
  /// the server's clock.
  static let migration0002 = Migration(
    version: 2,
    """
    CREATE TABLE IF NOT EXISTS needletail_version (
      id int PRIMARY KEY CHECK (id = 1),
      version int NOT NULL
    );
    CREATE TABLE IF NOT EXISTS needletail_studies (
      study_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      study_id bigint NOT NULL UNIQUE,
      study_name text NOT NULL,
      token text NOT NULL UNIQUE
    );
    CREATE TABLE IF NOT EXISTS needletail_notes (
      study_key bigint NOT NULL,
      key text NOT NULL,
      text text NOT NULL,
      PRIMARY KEY (study_key, key)
    );
    CREATE TABLE IF NOT EXISTS needletail_store_notes (
      key text PRIMARY KEY,
      text text NOT NULL
    );
    CREATE TABLE IF NOT EXISTS needletail_attempts (
      study_key bigint NOT NULL,
      trial_number bigint NOT NULL CHECK (trial_number >= 0),
      attempt bigint NOT NULL CHECK (attempt >= 1),
      trial_id bigint NOT NULL,
      worker text NOT NULL,
      lease_token text NOT NULL,
      started_at bigint NOT NULL,
      deadline bigint NOT NULL,
      claimable_at bigint,
      ended_at bigint,
      outcome text,
      reason text NOT NULL DEFAULT '',
      reports text NOT NULL DEFAULT '[]',
      PRIMARY KEY (study_key, trial_number, attempt),
      CHECK ((ended_at IS NULL) = (outcome IS NULL)),
      CHECK (ended_at IS NOT NULL OR claimable_at = deadline)
    );
    CREATE INDEX IF NOT EXISTS needletail_claimable
      ON needletail_attempts (study_key, claimable_at) WHERE claimable_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS needletail_waiting
      ON trials (study_id, trial_id) WHERE state = 'WAITING';
    CREATE INDEX IF NOT EXISTS needletail_numbers ON trials (study_id, number);
    CREATE INDEX IF NOT EXISTS needletail_trials ON trials (study_id, trial_id);

    CREATE OR REPLACE FUNCTION needletail_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      -- Optuna takes a violated constraint for somebody who was faster.
      RAISE EXCEPTION 'the trial is finished, or runs already'
        USING ERRCODE = 'integrity_constraint_violation';
    END $$;
    DROP TRIGGER IF EXISTS needletail_guard ON trials;
    CREATE TRIGGER needletail_guard BEFORE UPDATE OF state ON trials FOR EACH ROW
    WHEN (OLD.state IN ('COMPLETE', 'PRUNED', 'FAIL')
      OR (OLD.state = 'RUNNING' AND NEW.state = 'RUNNING')
      OR (OLD.state = 'RUNNING' AND NEW.state = 'WAITING' AND OLD.number IS NOT NULL))
    EXECUTE FUNCTION needletail_guard();

    CREATE OR REPLACE FUNCTION needletail_cleanup() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      gone bigint;
    BEGIN
      DELETE FROM needletail_studies WHERE study_id = OLD.study_id RETURNING study_key INTO gone;
      DELETE FROM needletail_attempts WHERE study_key = gone;
      DELETE FROM needletail_notes WHERE study_key = gone;
      RETURN NULL;
    END $$;
    DROP TRIGGER IF EXISTS needletail_cleanup ON studies;
    CREATE TRIGGER needletail_cleanup AFTER DELETE ON studies FOR EACH ROW
    EXECUTE FUNCTION needletail_cleanup();

    """ + functions0002)
}
