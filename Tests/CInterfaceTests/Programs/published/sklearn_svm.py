# scikit-learn: which classifier, with parameters that depend on the choice.
import optuna
import sklearn.datasets
import sklearn.ensemble
import sklearn.model_selection
import sklearn.svm

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    data = sklearn.datasets.load_iris()
    name = trial.suggest_categorical("classifier", ["SVC", "RandomForest"])
    if name == "SVC":
        model = sklearn.svm.SVC(C=trial.suggest_float("svc_c", 1e-3, 1e3, log=True), gamma="auto")
    else:
        depth = trial.suggest_int("rf_max_depth", 2, 32, log=True)
        model = sklearn.ensemble.RandomForestClassifier(max_depth=depth, n_estimators=5)
    scores = sklearn.model_selection.cross_val_score(model, data.data, data.target, n_jobs=1, cv=3)
    return scores.mean()


study = optuna.create_study(direction="maximize")
study.optimize(objective, n_trials=4)
print("result", "classifier" in study.best_params, 0 < study.best_value <= 1, type(study.best_value).__name__)
