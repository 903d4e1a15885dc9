# Constraints: how much each is violated, as the trial says.
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    x = trial.suggest_float("x", -15, 30)
    y = trial.suggest_float("y", -15, 30)
    trial.set_constraint("circle", (x - 5) ** 2 + y**2 - 2500)
    trial.set_user_attr("point", [x, y])
    return 4 * x**2 + 4 * y**2


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=3))
study.optimize(objective, n_trials=12)
best = study.best_trial
print("result", sorted(best.params), best.constraints["circle"] <= 0, len(best.user_attrs["point"]))
