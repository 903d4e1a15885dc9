# Ask and tell: the loop is the program's.
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=5))
for _ in range(6):
    trial = study.ask()
    width = trial.suggest_int("width", 8, 64, log=True)
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    score = -abs(width - 32) / 32 - abs(rate - 0.01)
    study.tell(trial, score)
print("result", sorted(study.best_params), study.best_value <= 0, study.direction.name)
