# Known good parameters come first.
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    momentum = trial.suggest_float("momentum", 0.0, 1.0)
    layers = trial.suggest_int("layers", 1, 4)
    return (momentum - 0.9) ** 2 + layers


study = optuna.create_study(direction="minimize")
study.enqueue_trial({"momentum": 0.9, "layers": 1}, user_attrs={"from": "paper"})
study.enqueue_trial({"momentum": 0.9, "layers": 1}, skip_if_exists=True)
study.optimize(objective, n_trials=4)
print("result", sorted(study.trials[0].params), study.best_value >= 1)
