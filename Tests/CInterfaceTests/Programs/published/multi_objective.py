# directions: [minimize, maximize]
# Two objectives, and what no other trial beats.
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    size = trial.suggest_int("size", 1, 100)
    skill = trial.suggest_float("skill", 0, 1)
    return size, skill * size**0.5


study = optuna.create_study(
    directions=["minimize", "maximize"],
    sampler=optuna.samplers.NSGAIISampler(population_size=10, seed=2),
)
study.optimize(objective, n_trials=30)
front = study.best_trials
print("result", len(front) >= 1, len(front[0].values), [d.name for d in study.directions])
