"""Writes signed_ranks.json: one-sided p-values of Wilcoxon's signed-rank test with zeros split.

    python signed_ranks.py > signed_ranks.json

Needs scipy; the version is in the file.
"""

import json
import random
import sys

import scipy
from scipy.stats import wilcoxon

SEED = 20261120


def main():
    rng = random.Random(SEED)
    cases = []
    for count in [2, 3, 4, 5, 7, 10, 12, 13, 14, 20, 35, 50, 51, 80]:
        for style in ["distinct", "tied", "zeros"]:
            if style == "distinct":
                differences = [round(rng.gauss(0.3, 1), 6) for _ in range(count)]
            else:
                low = 1 if style == "tied" else 0
                differences = [float(rng.choice([-1, 1, 1]) * rng.randint(low, 6)) for _ in range(count)]
            p = wilcoxon(differences, alternative="greater", zero_method="zsplit").pvalue
            cases.append({"differences": differences, "p": float(p)})
    provenance = f"signed_ranks.py, seed {SEED}, scipy {scipy.__version__}, Python {sys.version.split()[0]}"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print(f'{{"provenance":{json.dumps(provenance)},"cases":[\n{lines}\n]}}')


main()
