/// The tables of a study store: those of Optuna 5, and ours beside them.
enum Schema {
  /// The revision of the tables that Optuna 3.2 to 5 use.
  static let revision = "v3.2.0.a"
  /// The version of the same tables in `version_info`.
  static let version = 12
  /// The version of our own tables. The first had no notes of the whole store.
  static let ownVersion = 2

  /// Optuna's tables, spelled as its own library creates them, with their version rows.
  static let shared: StaticString = """
    CREATE TABLE IF NOT EXISTS studies (
    	study_id INTEGER NOT NULL,
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
    	study_direction_id INTEGER NOT NULL,
    	direction VARCHAR(8) NOT NULL,
    	study_id INTEGER NOT NULL,
    	objective INTEGER NOT NULL,
    	PRIMARY KEY (study_direction_id),
    	UNIQUE (study_id, objective),
    	FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS study_user_attributes (
    	study_user_attribute_id INTEGER NOT NULL,
    	study_id INTEGER,
    	"key" VARCHAR(512),
    	value_json TEXT,
    	PRIMARY KEY (study_user_attribute_id),
    	UNIQUE (study_id, "key"),
    	FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS study_system_attributes (
    	study_system_attribute_id INTEGER NOT NULL,
    	study_id INTEGER,
    	"key" VARCHAR(512),
    	value_json TEXT,
    	PRIMARY KEY (study_system_attribute_id),
    	UNIQUE (study_id, "key"),
    	FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE TABLE IF NOT EXISTS trials (
    	trial_id INTEGER NOT NULL,
    	number INTEGER,
    	study_id INTEGER,
    	state VARCHAR(8) NOT NULL,
    	datetime_start DATETIME,
    	datetime_complete DATETIME,
    	PRIMARY KEY (trial_id),
    	FOREIGN KEY(study_id) REFERENCES studies (study_id)
    );
    CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id);
    CREATE TABLE IF NOT EXISTS trial_user_attributes (
    	trial_user_attribute_id INTEGER NOT NULL,
    	trial_id INTEGER,
    	"key" VARCHAR(512),
    	value_json TEXT,
    	PRIMARY KEY (trial_user_attribute_id),
    	UNIQUE (trial_id, "key"),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_system_attributes (
    	trial_system_attribute_id INTEGER NOT NULL,
    	trial_id INTEGER,
    	"key" VARCHAR(512),
    	value_json TEXT,
    	PRIMARY KEY (trial_system_attribute_id),
    	UNIQUE (trial_id, "key"),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_params (
    	param_id INTEGER NOT NULL,
    	trial_id INTEGER,
    	param_name VARCHAR(512),
    	param_value FLOAT,
    	distribution_json TEXT,
    	PRIMARY KEY (param_id),
    	UNIQUE (trial_id, param_name),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_values (
    	trial_value_id INTEGER NOT NULL,
    	trial_id INTEGER NOT NULL,
    	objective INTEGER NOT NULL,
    	value FLOAT,
    	value_type VARCHAR(7) NOT NULL,
    	PRIMARY KEY (trial_value_id),
    	UNIQUE (trial_id, objective),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_intermediate_values (
    	trial_intermediate_value_id INTEGER NOT NULL,
    	trial_id INTEGER NOT NULL,
    	step INTEGER NOT NULL,
    	intermediate_value FLOAT,
    	intermediate_value_type VARCHAR(7) NOT NULL,
    	PRIMARY KEY (trial_intermediate_value_id),
    	UNIQUE (trial_id, step),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS trial_heartbeats (
    	trial_heartbeat_id INTEGER NOT NULL,
    	trial_id INTEGER NOT NULL,
    	heartbeat DATETIME NOT NULL,
    	PRIMARY KEY (trial_heartbeat_id),
    	UNIQUE (trial_id),
    	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
    );
    CREATE TABLE IF NOT EXISTS alembic_version (
    	version_num VARCHAR(32) NOT NULL,
    	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
    );
    INSERT INTO version_info SELECT 1, 12, 'needletail'
      WHERE NOT EXISTS (SELECT 1 FROM version_info);
    INSERT INTO alembic_version SELECT 'v3.2.0.a'
      WHERE NOT EXISTS (SELECT 1 FROM alembic_version);
    """

  /// Our tables, the trigger that makes claims of other programs safe, and the one that removes
  /// what we keep of a study that anyone deletes.
  ///
  /// A study has a key that is never used again, so what we keep cannot attach to another study
  /// that gets the same `study_id` later. `claimable_at` is when an attempt's trial may be taken
  /// by another worker: the deadline while it is open, the time of the retry once it was closed
  /// for one, NULL when there is nothing more to run. A trial that somebody else's program creates
  /// as waiting is running without a number for a moment, so the guard lets that pass.
  ///
  /// The script also brings the tables of an earlier version up to date.
  static let own: StaticString = """
    CREATE TABLE IF NOT EXISTS needletail_version (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      version INTEGER NOT NULL
    ) STRICT;
    INSERT INTO needletail_version SELECT 1, 2
      WHERE NOT EXISTS (SELECT 1 FROM needletail_version);
    UPDATE needletail_version SET version = 2 WHERE version < 2;
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
    CREATE TABLE IF NOT EXISTS needletail_store_notes (
      key TEXT PRIMARY KEY NOT NULL,
      text TEXT NOT NULL
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
    """
}
