"""Writes sobol.json: points of the unscrambled Sobol sequence by SciPy's qmc (run with scipy 1.17.1)."""
import json, pathlib
from scipy.stats import qmc

points = qmc.Sobol(64, scramble=False, bits=32).random(256)
chosen = {str(i): points[i].tolist() for i in (1, 2, 3, 7, 31, 64, 100, 255)}
pathlib.Path(__file__).with_name("sobol.json").write_text(json.dumps(chosen) + "\n")
