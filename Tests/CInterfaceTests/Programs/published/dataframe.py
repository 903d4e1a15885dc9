# User attributes, and the table of all trials.
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    depth = trial.suggest_int("depth", 1, 12, step=2)
    kind = trial.suggest_categorical("kind", ["gini", "entropy", None])
    trial.set_user_attr("nodes", 2**depth)
    trial.set_user_attr("note", {"kind": kind})
    return 1 / depth


study = optuna.create_study(study_name="trees")
study.set_user_attr("data", "iris")
study.optimize(objective, n_trials=5, show_progress_bar=False)
frame = study.trials_dataframe(attrs=("number", "value", "params", "user_attrs", "state"))
print("result", list(frame.columns), set(frame["state"]), study.user_attrs)
