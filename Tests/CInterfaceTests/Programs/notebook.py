"""Runs a notebook as Jupyter does: figures show below their cells, and little else does."""

import nbformat
from nbclient import NotebookClient

CELLS = [
    """
import needletail as optuna

def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    y = trial.suggest_int("y", 0, 5)
    for step in range(3):
        trial.report(x * x + step, step)
    return (x - 2) ** 2 + y

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
study.optimize(objective, n_trials=20, n_jobs=2)
""",
    "study.best_params",
    "optuna.visualization.plot_optimization_history(study)",
    "optuna.visualization.plot_param_importances(study).show()",
    "study.optimize(objective, n_trials=5)\nprint(len(study.trials))",
    """
import asyncio

async def some():
    return await asyncio.to_thread(study.optimize, objective, 5)

await some()
print(len(study.trials))
""",
    """
study.optimize(lambda trial: 1 / 0, n_trials=1)
""",
]


def main():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0] == [], outputs[0]
    [best] = outputs[1]
    assert set(eval(best.data["text/plain"])) == {"x", "y"}, best
    for figure in (outputs[2], outputs[3]):
        [shown] = figure
        assert shown.data["text/html"].lstrip().startswith("<svg"), shown.data["text/html"][:80]
    assert outputs[4][0].text == "25\n" and outputs[5][0].text == "30\n", outputs[4:6]
    assert outputs[6][-1].ename == "ZeroDivisionError", outputs[6]
    print("done")


if __name__ == "__main__":
    main()
