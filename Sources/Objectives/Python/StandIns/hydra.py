"""A stand-in for Hydra's module: what the task function returns is the trial's value.

The installed package does all else. Without it, the YAML file of `config_path` and `config_name` is
read with its defaults list and changed by the overrides of the command line: by PyYAML, or where that is
missing too, as mappings and lists of words and numbers.
"""

import ast
import functools
import importlib.util
import json
import os
import re
import sys
import types

from needletail_stand_in import Installed, StandInError, number, tell

_installed = Installed("hydra")


def _told(function):
    """The function, whose result is told."""

    @functools.wraps(function)
    def call(*arguments, **named):
        result = function(*arguments, **named)
        several = list(result) if isinstance(result, (list, tuple)) else [result]
        if several and all(number(value) is not None for value in several):
            tell([number(value) for value in several])
        return result

    return call


def main(config_path=None, config_name=None, version_base=None):
    """Hydra's decorator of the task function."""

    def decorate(function):
        if _installed.is_there:
            named = {} if version_base is None else {"version_base": version_base}
            theirs = _installed.load().main(config_path=config_path, config_name=config_name, **named)
            return theirs(_told(function))

        @functools.wraps(function)
        def run(given=None):
            if given is not None:
                return function(given)
            base = os.path.dirname(os.path.abspath(function.__code__.co_filename))
            place = os.path.join(base, config_path) if config_path else base
            return _told(function)(_composed(place, config_name, sys.argv[1:]))

        return run

    return decorate


# Without the package


class DictConfig(dict):
    """A configuration, whose items are attributes, too; `${a.b}` stands for another item."""

    def __init__(self, values=(), root=None):
        super().__init__()
        self.__dict__["_root"] = self if root is None else root
        for name, value in dict(values).items():
            self[name] = value

    def __setitem__(self, name, value):
        dict.__setitem__(self, name, _configured(value, self._root))

    def __getitem__(self, name):
        return _resolved(dict.__getitem__(self, name), self._root)

    def get(self, name, default=None):
        return self[name] if name in self else default

    def items(self):
        return [(name, self[name]) for name in self]

    def values(self):
        return [self[name] for name in self]

    def __getattr__(self, name):
        if name.startswith("__") or name not in self:
            raise AttributeError("Key '%s' is not in the configuration" % name)
        return self[name]

    def __setattr__(self, name, value):
        self[name] = value


def _configured(value, root):
    if isinstance(value, dict):
        return DictConfig(dict.items(value), root)
    if isinstance(value, list):
        return [_configured(one, root) for one in value]
    return value


def _resolved(value, root):
    if not isinstance(value, str) or "${" not in value:
        return value

    def found(match):
        text = match.group(1)
        if text.startswith("oc.env:"):
            name, _, default = text[7:].partition(",")
            return os.environ.get(name, default)
        inner = root
        for part in text.split("."):
            inner = inner[part]
        return inner

    whole = re.fullmatch(r"\$\{([^${}]+)\}", value)
    if whole:
        return found(whole)
    return re.sub(r"\$\{([^${}]+)\}", lambda match: str(found(match)), value)


def _read(path):
    if not os.path.exists(path):
        raise StandInError("the configuration %s is not there; see config_path and config_name" % path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        import yaml
    except ImportError:
        lines = [line.rstrip() for line in text.splitlines()]
        lines = [re.sub(r"(^|\s)#.*$", "", line).rstrip() for line in lines]
        lines = [line for line in lines if line and line != "---"]
        value, rest = _block(lines, path)
        if rest:
            raise _too_much(rest[0], path)
        return value
    return yaml.safe_load(text) or {}


def _too_much(line, path):
    return StandInError("the line %r of %s needs PyYAML or Hydra to be read; install hydra-core" % (line, path))


def _indent(line):
    return len(line) - len(line.lstrip(" "))


def _block(lines, path):
    """A mapping or a list, and the lines behind it."""
    if not lines:
        return {}, []
    level = _indent(lines[0])
    made = [] if lines[0].lstrip().startswith("- ") else {}  # type: ignore[var-annotated]
    while lines and _indent(lines[0]) == level:
        if isinstance(made, list) and not lines[0].lstrip().startswith("- "):
            break
        line, lines = lines[0].strip(), lines[1:]
        if isinstance(made, list):
            inner = [" " * (level + 2) + line[2:]]
            while lines and _indent(lines[0]) > level:
                inner.append(lines[0])
                lines = lines[1:]
            entry = re.match(r"[^\s\[{'\"][^:]*:(\s|$)", line[2:])
            made.append(_block(inner, path)[0] if entry else _value(line[2:].strip()))
            continue
        found = re.match(r"([^\s:][^:]*?)\s*:(?:\s+(.*))?$", line)
        if not found or (found.group(2) or "").startswith(("|", ">", "&", "*", "!")):
            raise _too_much(line, path)
        name, text = found.group(1).strip("'\""), found.group(2)
        if text:
            made[name] = _value(text.strip())
        elif lines and (_indent(lines[0]) > level or lines[0].lstrip().startswith("- ") and _indent(lines[0]) == level):
            made[name], lines = _block(lines, path)
        else:
            made[name] = None
    return made, lines


def _merge(target, values):
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value


def _composed(place, name, words):
    """The configuration of a file, with what the words say."""
    own = {} if name is None else _read(os.path.join(place, name if name.endswith(".yaml") else name + ".yaml"))
    pairs = []
    for word in words:
        key, sign, text = word.partition("=")
        if word.startswith("--") or not (sign or word.startswith("~")):
            raise StandInError("the word %r is no override such as lr=0.1; install hydra-core for it" % word)
        pairs.append((key, text))
    chosen = {key.lstrip("+"): text for key, text in pairs}
    made = {}  # type: dict
    defaults = own.pop("defaults", None) or ["_self_"]
    if "_self_" not in defaults:
        defaults = list(defaults) + ["_self_"]
    for entry in defaults:
        if entry == "_self_":
            _merge(made, own)
            continue
        ((group, option),) = entry.items() if isinstance(entry, dict) else ((entry, None),)
        if group.split(" ")[0] in ("override", "optional") or group.startswith("hydra/"):
            continue
        if option is None:
            _merge(made, _read(os.path.join(place, group + ".yaml")))
            continue
        option = chosen.pop(group, option)
        inner = _read(os.path.join(place, group, "%s.yaml" % option))
        for part in reversed(group.split("/")):
            inner = {part: inner}
        _merge(made, inner)
    for key, text in pairs:
        plain = key.lstrip("+~")
        if plain.startswith("hydra.") or plain not in chosen:
            continue
        parts = plain.split(".")
        inner = made
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        if key.startswith("~"):
            inner.pop(parts[-1], None)
        elif parts[-1] not in inner and not key.startswith("+"):
            raise StandInError("Could not override '%s': it is not in the configuration; to add it: +%s=%s" % (plain, plain, text))
        else:
            inner[parts[-1]] = _value(text)
    return DictConfig(made)


def _value(text):
    """What stands behind `=` in an override."""
    words = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        pass
    if text[:1] in "'\"":
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            pass
    if text[:1] == "[" and text[-1:] == "]":
        return [_value(part.strip()) for part in _parts(text[1:-1])]
    if text[:1] == "{" and text[-1:] == "}":
        pairs = [part.partition(":") for part in _parts(text[1:-1])]
        return {name.strip().strip("'\""): _value(inner.strip()) for name, _, inner in pairs}
    return text


def _parts(text):
    """What stands between commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def __getattr__(name):
    return _installed.attribute(name)


class OmegaConf:
    """What programs mostly call of OmegaConf."""

    @staticmethod
    def to_container(cfg, resolve=False, **named):
        def plain(value):
            if isinstance(value, DictConfig):
                return {name: plain(inner) for name, inner in value.items()}
            return [plain(one) for one in value] if isinstance(value, list) else value

        return plain(cfg)

    @staticmethod
    def to_yaml(cfg, resolve=False, **named):
        return json.dumps(OmegaConf.to_container(cfg), indent=2)

    @staticmethod
    def create(values=None):
        return DictConfig(values or {})


if "omegaconf" not in sys.modules and importlib.util.find_spec("omegaconf") is None:
    sys.modules["omegaconf"] = _omegaconf = types.ModuleType("omegaconf")
    _omegaconf.__dict__.update(OmegaConf=OmegaConf, DictConfig=DictConfig, ListConfig=list)
