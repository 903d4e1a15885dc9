"""Writes digits.csv.gz beside this file, byte for byte as scikit-learn's package ships it.

Run with a Python that has scikit-learn (Tests/requirements.txt pins one).
"""

import hashlib
import importlib.resources
import pathlib
import sys

SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"

data = importlib.resources.files("sklearn.datasets.data").joinpath("digits.csv.gz").read_bytes()
found = hashlib.sha256(data).hexdigest()
if found != SHA256:
    sys.exit(f"scikit-learn's digits.csv.gz has SHA-256 {found}, not {SHA256}; nothing was written")
pathlib.Path(__file__).with_name("digits.csv.gz").write_bytes(data)
