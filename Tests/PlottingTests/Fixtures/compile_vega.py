"""Compiles each line of standard input, a Vega-Lite specification, with Vega-Lite's own compiler, and draws it.

Prints a line per specification: the number of marks' elements in the SVG, or what was wrong.
"""

import json
import sys

import vl_convert

for line in sys.stdin:
    try:
        svg = vl_convert.vegalite_to_svg(json.loads(line), vl_version="5.20")
        print(svg.count("<path"), flush=True)
    except ValueError as error:
        print(f"wrong: {str(error).splitlines()[0]}", flush=True)
