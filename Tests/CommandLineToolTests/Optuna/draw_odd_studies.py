"""Makes studies with Optuna that are as odd as can be, and sees that every kind of figure of them, in every format,
is drawn or says in one sentence why it shows nothing.

    python draw_odd_studies.py NEEDLETAIL FOLDER

Prints a line per check; ends with 1 and a line on stderr at the first fault.
"""

import html.parser
import json
import math
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import optuna
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from PIL import Image

optuna.logging.set_verbosity(optuna.logging.ERROR)
needletail, folder = sys.argv[1], pathlib.Path(sys.argv[2])
url = f"sqlite:///{folder}/odd.db"
KINDS = ("history intermediate parallel slice contour importances rank edf pareto hypervolume timeline attempts "
         "parallelism rungs").split()
HOSTILE = {
    "script": "<script>alert(1)</script>", "quotes": "\"'><img src=x onerror=alert(1)>&amp;`${x}",
    "right to left": "\u05de\u05d7\u05e7\u05e8 \u202e7 \u062f\u0631\u0627\u0633\u0629", "long": "10 kB of <b> " * 788,
    "end of data": "]]></style></script><!--", "control": "a\tb\nc\x01\x7f",
}


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def hurry(connection, _):
    connection.execute("PRAGMA synchronous = OFF")


def fail(what):
    sys.exit(what[:2_000])


def make(name, trials, directions=("minimize",)):
    study = optuna.create_study(study_name=name, storage=url, directions=directions)
    study.add_trials(trials)
    for key in ("note", name):
        study.set_user_attr(key, name)


def trial(values, number=0, parameters=None, state=TrialState.COMPLETE, reports=(), **more):
    parameters = {"x": (number / 10, FloatDistribution(0, 10)), "n": (1 + number % 3, IntDistribution(1, 3)),
                  "kind": ("ab"[number % 2], CategoricalDistribution(["a", "b"]))} if parameters is None else parameters
    return create_trial(
        state=state, values=values, params={k: v for k, (v, _) in parameters.items()},
        distributions={k: d for k, (_, d) in parameters.items()}, intermediate_values=dict(enumerate(reports)), **more)


infinities = [math.inf, -math.inf, 1e308, -1e308, 5e-324]
make("empty", [])
make("empty of two", [], ["minimize", "maximize"])
make("one", [trial([1.0], reports=[2, 1])])
make("one of two", [trial([1.0, 2.0])], ["minimize", "maximize"])
make("failed", [trial(None, i, state=TrialState.FAIL, reports=[math.nan]) for i in range(9)])
make("pruned", [trial(None, i, state=TrialState.PRUNED, reports=[i, math.inf]) for i in range(9)])
make("infinite", [trial([v], i, reports=[v, math.nan, 1]) for i, v in enumerate(infinities * 2)])
make("infinite alone", [trial([v], i) for i, v in enumerate([math.inf, -math.inf] * 3)])
make("infinite pairs", [trial([v, -v], i) for i, v in enumerate(infinities * 2)], ["minimize", "maximize"])
make("constant", [trial([7.0], 3, reports=[7, 7]) for _ in range(20)])
make("constant pairs", [trial([7.0, 7.0], 3) for _ in range(20)], ["minimize", "minimize"])
make("one category", [trial([i / 7], parameters={"only": ("a", CategoricalDistribution(["a"]))}) for i in range(12)])
# Optuna takes half a minute to write 500 parameters.
table = [",".join(["value", *(f"p{i:03}" for i in range(500))])]
table += [",".join([str(i / 7), *(str((i * 37 + j) % 101 / 101) for j in range(500))]) for i in range(25)]
(folder / "wide.csv").write_text("\n".join(table) + "\n")
make("no parameters", [trial([i / 7], parameters={}) for i in range(12)])
for name in HOSTILE.values():
    choices = CategoricalDistribution([name, "b"])
    make(name, [trial([i % 5, -i], user_attrs={name: name}, system_attrs={"constraints": [i - 9.0]}, parameters={
        name: (i / 7, FloatDistribution(0, 10)), f"{name}2": ([name, "b"][i % 2], choices)}) for i in range(12)],
        ["minimize", "minimize"])


subprocess.run([needletail, "import", "csv", "wide", f"{folder}/wide.csv", "--store", f"{folder}/odd.db"],
               check=True, stdout=subprocess.DEVNULL, timeout=300)


class Page(html.parser.HTMLParser):
    """Counts scripts, and objects to what a name could smuggle in."""

    def __init__(self, text):
        super().__init__()
        self.scripts = self.figures = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.figures += tag == "figure"
        if tag in ("img", "b", "iframe", "object", "link", "a") or any(k.startswith("on") for k, _ in attributes):
            fail(f"the page has <{tag} {attributes}>")


def run(*words):
    result = subprocess.run([needletail, words[0], "--store", f"{folder}/odd.db", *words[1:]], capture_output=True, text=True, timeout=300)
    if result.returncode not in (0, 1):
        fail(f"{words} ended with {result.returncode}: {result.stderr}")
    for line in result.stderr.splitlines():
        sentence = line.split(" is empty: ")[-1].removesuffix(".")
        if "\x1b" in line or len(line) > 400 or ". " in sentence or (" is empty: " in line) != ("the picture" in line):
            fail(f"{words} said: {result.stderr}")
    return result


def look(label, name):
    """Every kind of figure of a study, in every format and as data."""
    names, empty = {}, None
    for ending in ("svg", "png", "pdf", "html", "json"):
        if ending == "png" and label not in ("infinite", "script"):
            continue  # PNG takes longer, and is drawn from the SVG.
        out = folder / f"picture.{ending}"
        goal = ["--data" if ending == "json" else "-o", str(out)]
        result = run("plot", ",".join(KINDS), *goal, "--", name)
        said = {line.split("'")[1] for line in result.stderr.splitlines() if " is empty: " in line}
        if len(said) != len(result.stderr.splitlines()) or (result.returncode == 1) != (len(said) == len(KINDS)):
            fail(f"{label} as {ending} ended with {result.returncode}: {result.stderr}")
        if empty is not None and said != empty:
            fail(f"{label}: {said} are empty as {ending}, {empty} before")
        empty = said
        if ending in ("svg", "png"):
            names[ending] = [folder / f"picture-{kind}.{ending}" for kind in KINDS]
        elif ending == "pdf" and not out.read_bytes().startswith(b"%PDF"):
            fail(f"{label}: no PDF")
        elif ending == "html":
            page = Page(out.read_text())
            if (page.scripts, page.figures) != (len(KINDS) + 1, len(KINDS)):
                fail(f"{label}: {page.scripts} scripts, {page.figures} figures")
        elif ending == "json":
            tables = json.loads(out.read_text(), parse_constant=lambda c: fail(f"{label}: {c} in JSON"))
            if [t["kind"] for t in tables if not t["rows"]] != [k for k in KINDS if k in empty]:
                fail(f"{label}: the data of {[t['kind'] for t in tables if not t['rows']]} is empty, {empty} said so")
    for path in names["svg"]:
        for element in xml.etree.ElementTree.parse(path).iter():
            tag = element.tag.split("}")[-1]
            if tag not in ("svg", "title", "style", "rect", "path", "text") or any(k.startswith("on") for k in element.attrib):
                fail(f"{label}: {path.name} has <{tag}>")
    for path in names.get("png", []):
        with Image.open(path) as picture:
            if len(picture.convert("RGB").getcolors(1 << 24)) < 3:
                fail(f"{label}: {path.name} is blank")
    print(f"{label}: {len(KINDS) - len(empty)} kinds drawn, {len(empty)} said why not")
    shares = run("importance", "--json", "--", name)
    # A sentence, beside the one that names parameters that no model can use.
    sentences = 1 + shares.stderr.count("Left out")
    if (shares.returncode == 0) != bool(shares.stdout) or shares.stderr.count("\n") > sentences:
        fail(f"importance of {label} ended with {shares.returncode}: {shares.stderr}")
    return len(KINDS) - len(empty)


plain = ["empty", "empty of two", "one", "one of two", "failed", "pruned", "infinite", "infinite alone", "infinite pairs",
         "constant", "constant pairs", "one category", "wide", "no parameters"]
drawn = {label: look(label, label) for label in plain} | {k: look(k, name) for k, name in HOSTILE.items()}
for label, least in (("empty", 0), ("one", 2), ("pruned", 2), ("constant", 6), ("wide", 7), ("one category", 5), ("script", 9)):
    if drawn[label] < least:
        fail(f"{label}: only {drawn[label]} kinds were drawn")

make("huge bounds", [trial([float(i)], parameters={
    "far": (i * 1e307, FloatDistribution(-1.7e308, 1.7e308)), "long": (2 ** (i + 40), IntDistribution(-(2 ** 53), 2 ** 53)),
    "fine": (i * 1e-3, FloatDistribution(0, 1e18, step=1e-3)), "log": (10.0 ** -i, FloatDistribution(1e-300, 1e300, log=True)),
}) for i in range(12)])
look("huge bounds", "huge bounds")
run("plot", "history", "--error-band", "-o", f"{folder}/band.svg", "--", "infinite", "constant")
for evaluator in ("fanova", "ped-anova"):
    for name in ("infinite", "constant", "one", "huge bounds", "wide"):
        run("importance", "--evaluator", evaluator, "--", name)

# What cannot be written leaves nothing, and the former picture as it was.
whole = folder / "whole.svg"
run("plot", "history", "constant", "-o", str(whole))
before = whole.read_bytes()
for path in (folder / "missing/p.svg", pathlib.Path("/proc/p.png"), folder / "p.svg" / "", pathlib.Path("/dev/full")):
    target = folder / "link.svg"
    target.unlink(missing_ok=True)
    if str(path) == "/dev/full":
        target.symlink_to(path)
    words = [needletail, "plot", "history", "constant", "-o", str(target if str(path) == "/dev/full" else path),
             "--store", f"{folder}/odd.db"]
    if path == folder / "p.svg":
        path.mkdir()
    result = subprocess.run(words, capture_output=True, text=True, timeout=300)
    if result.returncode != 2 or result.stderr.count("\n") != 1 or "cannot write" not in result.stderr:
        fail(f"{path} ended with {result.returncode}: {result.stderr}")
    print(f"{path.name} is refused: {result.stderr.strip()}")
if whole.read_bytes() != before or any(p.name.startswith(".") for p in folder.iterdir()):
    fail(f"something was left: {list(folder.iterdir())}")
