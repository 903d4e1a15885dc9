"""Validates the OpenAPI document on standard input and prints its calls, one per line: METHOD PATH."""
import json
import sys

from openapi_spec_validator import validate

document = json.load(sys.stdin)
validate(document)
for path, calls in document["paths"].items():
    for method in calls:
        print(method.upper(), path)
