#!/usr/bin/env python3
"""Writes normal.json: values of the normal distribution from SciPy.

    python normal.py > normal.json     (SciPy 1.17, Python 3.11)

  cumulative: [x, Phi(x), ln Phi(x)]           scipy.special.ndtr, log_ndtr
  quantile: [p, x]                             scipy.special.ndtri
  log_quantile: [ln p, x]                      scipy.special.ndtri_exp
  mass: [a, b, ln (Phi(b) - Phi(a))]           SciPy's truncnorm; none so narrow that it cancels
  narrow: [a, b, ln (Phi(b) - Phi(a))]         narrow intervals in both tails, by Gauss-Legendre quadrature of
                                               the density with numpy, relative to the density at the middle
  truncated: [mean, sigma, low, high, u, x, ln density at x]   scipy.stats.truncnorm
"""
import json
import math
import random

import numpy as np
import scipy
from scipy import special, stats
from scipy.stats._continuous_distns import _log_gauss_mass

rng = random.Random(11)
out = {"scipy": scipy.__version__}
xs = [-40, -38.5, -37, -30, -20.5, -20, -19.5, -12, -8.3, -5, -3, -1.5, -1, -0.5, -1e-3, 0, 1e-9,
      0.25, 0.7, 1, 1.5, 2, 3, 5, 6, 8, 8.3, 10, -1e3, -1e8]
out["cumulative"] = [[x, float(special.ndtr(x)), float(special.log_ndtr(x))] for x in xs]
ps = [1e-310, 1e-300, 1e-200, 1e-100, 1e-30, 1e-20, 1e-12, 1e-9, 1e-6, 1e-3, 0.01, 0.074, 0.075, 0.076, 0.2,
      0.49, 0.5, 0.51, 0.75, 0.9, 0.924, 0.925, 0.926, 0.99, 0.999999, 1 - 1e-12]
out["quantile"] = [[p, float(special.ndtri(p))] for p in ps]
lps = [-1e10, -1e6, -5e4, -1000, -800, -729.1, -700, -100, -25, -24.9, -10, -2.6, -2.59, -1, -0.7, -0.1,
       -0.0781, -0.0779, -1e-3, -1e-8, -1e-14]
out["log_quantile"] = [[p, float(special.ndtri_exp(p))] for p in lps]
mass = []
for _ in range(60):
    a = rng.choice([rng.gauss(0, 1), rng.gauss(0, 6), rng.gauss(0, 30)])
    b = a + rng.choice([0.5, 1, 3, 10, 50]) * (0.5 + rng.random())
    mass.append([a, b, float(_log_gauss_mass(a, b).real)])
out["mass"] = mass
nodes, weights = np.polynomial.legendre.leggauss(20)
narrow = []
for _ in range(40):
    middle = rng.choice([rng.gauss(0, 1), rng.gauss(0, 10), rng.gauss(0, 30)])
    width = 10 ** rng.uniform(-7, -0.5)
    a, b = middle - width / 2, middle + width / 2
    m, h = (a + b) / 2, (b - a) / 2
    # phi(m + t) / phi(m) = exp(-m t - t^2 / 2): no cancellation, whatever the tail.
    t = nodes * h
    part = float(np.sum(weights * np.exp(-m * t - t * t / 2)) * h)
    narrow.append([a, b, -m * m / 2 - math.log(math.sqrt(2 * math.pi)) + math.log(part)])
out["narrow"] = narrow
truncated = []
for _ in range(40):
    low = rng.gauss(0, 2)
    high = low + rng.choice([0.1, 1, 4])
    mean = rng.choice([low + rng.random() * (high - low), low - 0.3, high + 0.5, high + 3])
    sigma = rng.choice([0.2, 1, 5])
    u = rng.random()
    d = stats.truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma)
    x = float(d.ppf(u))
    truncated.append([mean, sigma, low, high, u, x, float(d.logpdf(x))])
out["truncated"] = truncated
print("{" + ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in out.items()) + "}")
