"""Reads metrics from standard input with Prometheus' own parser and prints them as JSON: an object of names, each
with an array of [labels, value]. Fails on what the parser refuses, and on a sample outside its family."""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families

samples = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation, f"{family.name} has no help"
    for sample in family.samples:
        assert sample.name.startswith(family.name), (family.name, sample.name)
        samples.setdefault(sample.name, []).append([sample.labels, sample.value])
print(json.dumps(samples))
