"""Writes databases that deviate from what Optuna 5 writes, and says which of them it loads.

deviations.py FOLDER: for each deviation a file FOLDER/<name>.db with the study `s`, and one line
`<name> accepted|refused <number of trials>`.
"""
import shutil
import sqlite3
import sys
import warnings
from pathlib import Path

import optuna

optuna.logging.set_verbosity(optuna.logging.CRITICAL)
warnings.simplefilter("ignore")
folder = Path(sys.argv[1])

FLOAT = '{"name": "FloatDistribution", "attributes": '
DEVIATIONS = {
    "as-it-is": "",
    "wal": "PRAGMA journal_mode = WAL",
    "extra-table": "CREATE TABLE mine (a); CREATE VIEW v AS SELECT 1; CREATE INDEX i ON trials (state)",
    "extra-column": "ALTER TABLE trials ADD COLUMN discarded_at DATETIME",
    "extra-column-default": "ALTER TABLE trials ADD COLUMN extra INTEGER NOT NULL DEFAULT 0",
    "no-alembic": "DROP TABLE alembic_version",
    "empty-alembic": "DELETE FROM alembic_version",
    "schema-99-with-head": "UPDATE version_info SET schema_version = 99",
    "no-version-info": "DROP TABLE version_info",
    "empty-version-info": "DELETE FROM version_info",
    "no-heartbeats": "DROP TABLE trial_heartbeats",
    "schema-13-no-alembic": "UPDATE version_info SET schema_version = 13; DELETE FROM alembic_version",
    "older-revision": "UPDATE alembic_version SET version_num = 'v3.0.0.d'",
    "newer-revision": "UPDATE alembic_version SET version_num = 'v9.0.0.a'",
    "date-without-fraction": "UPDATE trials SET datetime_start = '2026-01-02 03:04:05'",
    "date-3-digits": "UPDATE trials SET datetime_start = '2026-01-02 03:04:05.678'",
    "date-t": "UPDATE trials SET datetime_start = '2026-01-02T03:04:05.678901'",
    "date-z": "UPDATE trials SET datetime_start = '2026-01-02 03:04:05.678901Z'",
    "date-offset": "UPDATE trials SET datetime_start = '2026-01-02 03:04:05.678901+00:00'",
    "date-number": "UPDATE trials SET datetime_start = 1767323045",
    "no-start": "UPDATE trials SET datetime_start = NULL",
    "not-set": "UPDATE study_directions SET direction = 'NOT_SET'",
    "lower-case-state": "UPDATE trials SET state = 'complete' WHERE number = 0",
    "unknown-state": "UPDATE trials SET state = 'DONE' WHERE number = 0",
    "real-infinity": "UPDATE trial_values SET value = 9e999",
    "null-finite": "UPDATE trial_values SET value = NULL",
    "objective-1": "UPDATE trial_values SET objective = 1",
    "null-number": "UPDATE trials SET number = NULL WHERE number = 0",
    "gap": "UPDATE trials SET number = 7 WHERE number = 2",
    "integer-value": "UPDATE trial_params SET param_value = 1 WHERE param_name = 'x'",
    "choice-out-of-range": "UPDATE trial_params SET param_value = 9 WHERE param_name = 'c'",
    "unknown-distribution": "UPDATE trial_params SET distribution_json = "
    "replace(distribution_json, 'FloatDistribution', 'OtherDistribution')",
    "key-beside": f"""UPDATE trial_params SET distribution_json = '{FLOAT}{{"step": null, "low": 0.0,
        "high": 9.0, "log": false}}, "more": 1}}' WHERE param_name = 'x'""",
    "key-inside": f"""UPDATE trial_params SET distribution_json = '{FLOAT}{{"step": null, "low": 0.0,
        "high": 9.0, "log": false, "more": 1}}}}' WHERE param_name = 'x'""",
    "without-step-and-log": f"""UPDATE trial_params SET distribution_json =
        '{FLOAT}{{"low": 0.0, "high": 9.0}}}}' WHERE param_name = 'x'""",
    "short-form": """UPDATE trial_params SET distribution_json =
        '{"type": "float", "low": 0.0, "high": 9.0}' WHERE param_name = 'x'""",
    "old-class": """UPDATE trial_params SET distribution_json =
        '{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 9.0, "q": 0.5}}'
        WHERE param_name = 'x'""",
    "attribute-not-json": "UPDATE trial_user_attributes SET value_json = 'not json'",
    "attribute-nan": "UPDATE trial_user_attributes SET value_json = '[NaN, -Infinity]'",
}


def build(path):
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s",
                                sampler=optuna.samplers.RandomSampler(seed=1))

    def objective(trial):
        trial.set_user_attr("a", 1)
        trial.suggest_categorical("c", ["a", "b"])
        return trial.suggest_float("x", 0, 9)

    study.optimize(objective, n_trials=3)
    study._storage.remove_session()
    study._storage._backend.engine.dispose()


build(folder / "original.db")
for name, sql in DEVIATIONS.items():
    path = folder / f"{name}.db"
    shutil.copy(folder / "original.db", path)
    database = sqlite3.connect(path)
    database.executescript(sql)
    database.commit()
    database.close()
    # Optuna is given a copy: it adds what is missing.
    copy = folder / f"{name}-copy.db"
    shutil.copy(path, copy)
    try:
        study = optuna.load_study(storage=f"sqlite:///{copy}", study_name="s")
        print(name, "accepted", len(study.trials))
    except Exception:
        print(name, "refused", 0)
