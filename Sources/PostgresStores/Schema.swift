internal import Stores

/// The tables of a study store: those of Optuna 5, and ours beside them.
enum Schema {
  /// The revision of the tables that Optuna 3.2 to 5 use.
  static let revision = "v3.2.0.a"
  /// The version of the same tables in `version_info`.
  static let version = 12
  /// What made our own tables and functions, and each of their versions from the one before.
  static let migrations = [migration0002, migration0003]
  /// The version of our own tables and functions.
  static let ownVersion = migrations.last?.version ?? 0
  /// The lock that a process holds while it creates tables: "needleta" in ASCII.
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
}
