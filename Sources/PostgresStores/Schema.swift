/// The tables of a study store: those of Optuna 5, and ours beside them.
enum Schema {
  /// The revision of the tables that Optuna 3.2 to 5 use.
  static let revision = "v3.2.0.a"
  /// The version of the same tables in `version_info`.
  static let version = 12
  /// The version of our own tables and functions. Before the third a trial kept the rungs of
  /// attempts that were lost.
  static let ownVersion = 3
  /// The lock that whoever creates tables holds: "needleta" in ASCII.
  static let creationLock = 0x6E65_6564_6C65_7461
  /// The steps that the tables can hold: Optuna's column has 32 bits.
  static let greatestStep = Int(Int32.max)
  /// The characters that names and keys can have.
  static let longestName = 512

  /// Optuna's types and tables, as its own library creates them, with their version rows.
  static let shared = """
    DO $$ BEGIN
      CREATE TYPE studydirection AS ENUM ('NOT_SET', 'MINIMIZE', 'MAXIMIZE');
    EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    DO $$ BEGIN
      CREATE TYPE trialstate AS ENUM ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING');
    EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    DO $$ BEGIN
      CREATE TYPE trialvaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG');
    EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    DO $$ BEGIN
      CREATE TYPE trialintermediatevaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG', 'NAN');
    EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    CREATE TABLE IF NOT EXISTS studies (
      study_id SERIAL NOT NULL,
      study_name VARCHAR(512) NOT NULL,
      PRIMARY KEY (study_id)
    );
    CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name);
    CREATE TABLE IF NOT EXISTS version_info (
      version_info_id INTEGER NOT NULL,
      schema_version INTEGER,
      library_version VARCHAR(256),
      PRIMARY KEY (version_info_id),
      CHECK (version_info_id=1)
    );
    CREATE TABLE IF NOT EXISTS study_directions (
      study_direction_id SERIAL NOT NULL,
      direction studydirection NOT NULL,
      study_id INTEGER NOT NULL,
      objective INTEGER NOT NULL,
      PRIMARY KEY (study_direction_id),
      UNIQUE (study_id, objective),
      FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS study_user_attributes (
      study_user_attribute_id SERIAL NOT NULL,
      study_id INTEGER,
      key VARCHAR(512),
      value_json TEXT,
      PRIMARY KEY (study_user_attribute_id),
      UNIQUE (study_id, key),
      FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS study_system_attributes (
      study_system_attribute_id SERIAL NOT NULL,
      study_id INTEGER,
      key VARCHAR(512),
      value_json TEXT,
      PRIMARY KEY (study_system_attribute_id),
      UNIQUE (study_id, key),
      FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS trials (
      trial_id SERIAL NOT NULL,
      number INTEGER,
      study_id INTEGER,
      state trialstate NOT NULL,
      datetime_start TIMESTAMP WITHOUT TIME ZONE,
      datetime_complete TIMESTAMP WITHOUT TIME ZONE,
      PRIMARY KEY (trial_id),
      FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id);
    CREATE TABLE IF NOT EXISTS trial_user_attributes (
      trial_user_attribute_id SERIAL NOT NULL,
      trial_id INTEGER,
      key VARCHAR(512),
      value_json TEXT,
      PRIMARY KEY (trial_user_attribute_id),
      UNIQUE (trial_id, key),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_system_attributes (
      trial_system_attribute_id SERIAL NOT NULL,
      trial_id INTEGER,
      key VARCHAR(512),
      value_json TEXT,
      PRIMARY KEY (trial_system_attribute_id),
      UNIQUE (trial_id, key),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_params (
      param_id SERIAL NOT NULL,
      trial_id INTEGER,
      param_name VARCHAR(512),
      param_value FLOAT,
      distribution_json TEXT,
      PRIMARY KEY (param_id),
      UNIQUE (trial_id, param_name),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_values (
      trial_value_id SERIAL NOT NULL,
      trial_id INTEGER NOT NULL,
      objective INTEGER NOT NULL,
      value FLOAT,
      value_type trialvaluetype NOT NULL,
      PRIMARY KEY (trial_value_id),
      UNIQUE (trial_id, objective),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_intermediate_values (
      trial_intermediate_value_id SERIAL NOT NULL,
      trial_id INTEGER NOT NULL,
      step INTEGER NOT NULL,
      intermediate_value FLOAT,
      intermediate_value_type trialintermediatevaluetype NOT NULL,
      PRIMARY KEY (trial_intermediate_value_id),
      UNIQUE (trial_id, step),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_heartbeats (
      trial_heartbeat_id SERIAL NOT NULL,
      trial_id INTEGER NOT NULL,
      heartbeat TIMESTAMP WITHOUT TIME ZONE NOT NULL,
      PRIMARY KEY (trial_heartbeat_id),
      UNIQUE (trial_id),
      FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS alembic_version (
      version_num VARCHAR(32) NOT NULL,
      CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
    );
    INSERT INTO version_info (version_info_id, schema_version, library_version)
      SELECT 1, 12, 'needletail' WHERE NOT EXISTS (SELECT 1 FROM version_info);
    INSERT INTO alembic_version SELECT 'v3.2.0.a'
      WHERE NOT EXISTS (SELECT 1 FROM alembic_version);

    """

  /// Our tables and indexes, and the triggers: the one that makes claims of other programs safe,
  /// and the one that removes what we keep of a study that anyone deletes. The script also brings
  /// those of an earlier version up to date.
  ///
  /// The tables mean what those of the SQLite store mean. Deadlines are microseconds since 1970 by
  /// the server's clock.
  static let own = """
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

    """

  /// What is set last, when all else is there.
  static let ownVersionRow = """
    INSERT INTO needletail_version VALUES (1, 3)
      ON CONFLICT (id) DO UPDATE SET version = greatest(needletail_version.version, 3);

    """
}
