"""Writes minima.json: minima in boxes found by SciPy's L-BFGS-B (run with scipy 1.17.1)."""
import json, pathlib
import numpy as np
from scipy.optimize import minimize, rosen, rosen_der

rng = np.random.default_rng(7)
cases = []


def case(kind, start, lower, upper, f, g, **more):
    r = minimize(f, start, jac=g, method="L-BFGS-B", bounds=list(zip(lower, upper)),
                 options=dict(ftol=1e-16, gtol=1e-11, maxiter=5000, maxfun=50000))
    cases.append(dict(kind=kind, start=list(map(float, start)), lower=list(map(float, lower)),
                      upper=list(map(float, upper)), point=r.x.tolist(), value=float(r.fun), **more))


for n, box in [(2, 3.0), (5, 3.0), (5, 0.7), (10, 2.0)]:
    case("rosenbrock", [-0.5] * n, [-box] * n, [box] * n, rosen, rosen_der)
for n in (3, 8, 30):
    a = rng.normal(size=(n, n)); a = a @ a.T + 0.1 * np.eye(n); b = rng.normal(size=n) * 2
    case("quadratic", np.zeros(n), -0.3 * np.ones(n), 0.5 * np.ones(n),
         lambda x: 0.5 * x @ a @ x - b @ x, lambda x: a @ x - b,
         matrix=a.tolist(), vector=b.tolist())
pathlib.Path(__file__).with_name("minima.json").write_text(json.dumps(dict(minima=cases), indent=1) + "\n")
