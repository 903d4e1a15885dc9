"""The public names of Optuna, and what becomes of each here: same, refused with a sentence, or missing.

Fails unless Documentation/python.md lists what is refused and what is missing as it is; with --renew
it writes that list. Arguments of functions and methods count, too.
"""

import importlib
import inspect
import sys
import warnings
from pathlib import Path

import optuna

import needletail

warnings.simplefilter("ignore")
PAGE = Path(__file__).resolve().parents[3] / "Documentation" / "python.md"
MODULES = [
    "", "artifacts", "distributions", "exceptions", "importance", "integration", "logging", "pruners",
    "samplers", "samplers.nsgaii", "search_space", "storages", "study", "terminator", "trial",
    "visualization",
]
# Modules without __all__: what they define.
CLASSES = {
    "Study", "Trial", "FrozenTrial", "FixedTrial", "StudySummary", "TrialState", "StudyDirection",
    "FloatDistribution", "IntDistribution", "CategoricalDistribution", "IntersectionSearchSpace",
    "FileSystemArtifactStore", "ArtifactMeta",
}
HEADING = "## The names\n"


def public(module, path):
    listed = getattr(module, "__all__", None)
    if listed is not None:
        extra = []
        if path == "logging":
            extra = [n for n, m in vars(module).items() if inspect.isfunction(m) and n[0] != "_"]
            extra.remove("create_default_formatter")
        return sorted({name for name in list(listed) + extra if not name.startswith("_")} | (
            {"__version__"} if path == "" else set()
        ))
    return sorted(
        name for name, member in vars(module).items()
        if name[0] != "_" and getattr(member, "__module__", "").startswith(module.__name__)
        and name != "annotations"
    )


def parameters(member):
    try:
        return [
            name for name, given in inspect.signature(member).parameters.items()
            if given.kind not in (given.VAR_KEYWORD, given.VAR_POSITIONAL) and name[0] != "_"
        ]
    except (TypeError, ValueError):
        return []


def is_refused(member):
    return hasattr(member, "refused")


def main():
    same, refused, missing = 0, [], []
    for path in MODULES:
        prefix = path + "." if path else ""
        theirs = importlib.import_module("optuna" + (f".{path}" if path else ""))
        ours = importlib.import_module("needletail" + (f".{path}" if path else ""))
        for name in public(theirs, path):
            full = prefix + name
            try:
                # Parts that need another package are not there without it, in both.
                original = getattr(theirs, name)
            except (ImportError, AttributeError):
                original = None
            if path == "integration" and name == "XGBoostPruningCallback":
                original = None
            found = getattr(ours, name, None)
            if found is None:
                missing.append(full)
                continue
            if is_refused(found):
                refused.append((full, found.refused))
                continue
            same += 1
            if inspect.ismodule(found) or original is None:
                continue
            wanted = parameters(original)
            if path != "integration":
                lacking = [n for n in wanted if n not in parameters(found)]
                missing += [f"{full}({n})" for n in lacking]
            if name in CLASSES and prefix != "":
                for attribute in dir(original):
                    if attribute[0] == "_":
                        continue
                    if not hasattr(found, attribute) and attribute not in vars(probe(name)):
                        missing.append(f"{full}.{attribute}")
                        continue
                    same += 1
                    method = getattr(original, attribute)
                    if inspect.isfunction(method):
                        have = parameters(getattr(found, attribute))
                        lacking = [n for n in parameters(method) if n not in have]
                        missing += [f"{full}.{attribute}({n})" for n in lacking]
    text = f"{HEADING}\nOf Optuna {optuna.__version__}. All names that are not listed are there, {same} of them.\n\n"
    text += "Refused, with a sentence that says what to do instead:\n\n| Name | Instead |\n|---|---|\n"
    for name, advice in refused:
        text += f"| `{name}` | {advice} |\n"
    if missing:
        text += "\nMissing:\n\n" + "".join(f"- `{name}`\n" for name in missing)
    page = PAGE.read_text()
    begin = page.find(HEADING)
    end = page.find("\n## ", begin + 1) if begin >= 0 else -1
    listed = page[begin : end + 1 if end >= 0 else None] if begin >= 0 else ""
    if "--renew" in sys.argv:
        page = page.replace(listed, text + ("\n" if end >= 0 else "")) if listed else page + "\n" + text
        PAGE.write_text(page)
    elif listed.strip() != text.strip():
        print(text)
        sys.exit("the names differ from those in Documentation/python.md; renew: names.py --renew")
    print(f"{same} same, {len(refused)} refused, {len(missing)} missing")
    print("done")


def probe(name):
    """An object of the class, for attributes that only objects have."""
    if name == "FrozenTrial":
        return needletail.create_trial(value=1.0)
    if name == "StudySummary":
        direction = needletail.study.StudyDirection.MINIMIZE
        return needletail.study.StudySummary("s", direction, None, {}, 0, None, 0)
    return type("nothing", (), {})()


if __name__ == "__main__":
    main()
