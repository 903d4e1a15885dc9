"""Writes linear_algebra.json beside this file: golden values from NumPy and SciPy.

Run with the Python of the tests' environment (Tests/requirements.txt). Numbers are written with all
their digits; matrices as lists of rows.
"""

import json
import pathlib
import sys

import numpy
import scipy
import scipy.linalg

random = numpy.random.default_rng(20)


def product(m, k, n, transposed_a, transposed_b):
    a = random.normal(size=(k, m) if transposed_a else (m, k))
    b = random.normal(size=(n, k) if transposed_b else (k, n))
    c = random.normal(size=(m, n))
    opa, opb = (a.T if transposed_a else a), (b.T if transposed_b else b)
    return {
        "a": a.tolist(), "b": b.tolist(), "c": c.tolist(),
        "aIsTransposed": transposed_a, "bIsTransposed": transposed_b,
        "result": (1.5 * opa @ opb - 0.5 * c).tolist(),
    }


def factorization(n, k):
    half = random.normal(size=(n, n + 2))
    a = half @ half.T + 0.1 * numpy.eye(n)
    b = random.normal(size=(n, k))
    lower = scipy.linalg.cholesky(a, lower=True)
    return {
        "a": a.tolist(), "b": b.tolist(), "lower": lower.tolist(),
        "logDeterminant": float(numpy.linalg.slogdet(a).logabsdet),
        "solution": scipy.linalg.solve(a, b, assume_a="pos").tolist(),
        "lowerSolution": scipy.linalg.solve_triangular(lower, b, lower=True).tolist(),
        "upperSolution": scipy.linalg.solve_triangular(lower.T, b, lower=False).tolist(),
    }


document = {
    "provenance": f"NumPy {numpy.__version__}, SciPy {scipy.__version__}, "
    f"Python {sys.version.split()[0]}; generate.py",
    "products": [
        product(m, k, n, ta, tb)
        for m, k, n in [(1, 1, 1), (3, 2, 4), (5, 7, 1), (2, 9, 6)]
        for ta in (False, True)
        for tb in (False, True)
    ],
    "factorizations": [factorization(n, k) for n, k in [(1, 1), (2, 3), (5, 2), (12, 4)]],
}
path = pathlib.Path(__file__).with_name("linear_algebra.json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
