"""A stand-in for W&B's module, for trials of a study that was a W&B sweep: nothing is sent anywhere.

`wandb.config` has the trial's parameters, over those of the program's own `config=`. What `wandb.log`
gets is printed as a line of JSON, which `needletail` collects while the program runs; other functions
do nothing. A study file names it with `stand_in: wandb`.
"""

import json
import math
import os

__version__ = "0.0.0+needletail"


class Config(dict):
    """The parameters, as keys and as attributes; nested ones likewise."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value

    def update(self, *others, allow_val_change=None, **more):
        for other in (*others, more):
            for name, value in dict(other or {}).items():
                if name not in _swept:
                    self[name] = _nested(value)

    def setdefaults(self, values):
        for name, value in dict(values or {}).items():
            self.setdefault(name, _nested(value))

    def as_dict(self):
        return dict(self)

    def get(self, name, default=None):
        return dict.get(self, name, default)


def _nested(value):
    return Config({name: _nested(inner) for name, inner in value.items()}) if isinstance(value, dict) else value


def _parameters():
    path = os.environ.get("WANDB_SWEEP_PARAM_PATH")
    if not path or not os.path.exists(path):
        return {}
    with open(path) as file:
        flat = {name: entry["value"] for name, entry in json.load(file).items()}
    # A dotted name is a nested one and itself.
    values = dict(flat)
    for name, value in flat.items():
        first, _, rest = name.partition(".")
        if rest and isinstance(values.setdefault(first, {}), dict):
            inner = values[first]
            *path, last = rest.split(".")
            for part in path:
                inner = inner.setdefault(part, {})
            inner[last] = value
    return values


class _Nothing:
    """Takes every call and every attribute, and does nothing."""

    def __init__(self, *arguments, **named):
        pass

    def __call__(self, *arguments, **named):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __iter__(self):
        return iter(())


class Run:
    """What `wandb.init` returns."""

    def __init__(self):
        self.config = config
        self.summary = summary
        self.name = self.id = os.environ.get("NEEDLETAIL_TRIAL", "0")
        self.sweep_id = os.environ.get("WANDB_SWEEP_ID")
        self.dir = os.environ.get("NEEDLETAIL_DIR", ".")
        self.project = self.entity = self.group = self.url = ""
        self.step = 0

    def log(self, data=None, step=None, commit=None, sync=None):
        if step is not None:
            self.step = int(step)
        values = dict(_scalars("", data or {}))
        summary.update(values)
        if values:
            _say({**values, "_step": self.step})
        if step is None and commit is not False:
            self.step += 1

    def finish(self, exit_code=None, quiet=None):
        summary.flush()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.finish()
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()


class Summary(dict):
    """The last value of each metric; what the program sets itself is reported at the end."""

    def __init__(self):
        super().__init__()
        self._own = {}

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        self._own[name] = value

    def flush(self):
        values = dict(_scalars("", self._own))
        self._own = {}
        if values:
            _say(values)


def _scalars(prefix, data):
    for name, value in dict(data).items():
        full = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _scalars(f"{full}.", value)
            continue
        if hasattr(value, "item"):
            try:
                value = value.item()
            except (TypeError, ValueError, RuntimeError):
                continue
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield full, value


def _say(values):
    # Names that would number the report are left to `_step`.
    line = {name: value for name, value in values.items() if name not in ("step", "epoch")}
    text = json.dumps(
        {name: value if not isinstance(value, float) or math.isfinite(value) else str(value)
         for name, value in line.items()})
    print(text, flush=True)


def init(*arguments, config=None, **named):
    """Starts the run; the trial's parameters win over the program's own configuration."""
    global run
    globals()["config"].update(config if isinstance(config, dict) else vars(config) if config else {})
    if run is None:
        run = Run()
    return run


def log(data=None, step=None, commit=None, sync=None):
    """Reports what is a number."""
    (run or init()).log(data, step, commit, sync)


def finish(exit_code=None, quiet=None):
    """Ends the run."""
    if run is not None:
        run.finish(exit_code)


def agent(sweep_id=None, function=None, **named):
    """Calls the function once: each trial is a process of its own."""
    if function is not None:
        function()


def sweep(sweep=None, **named):
    """The name of the study; the study file says what is tried."""
    return os.environ.get("WANDB_SWEEP_ID", "needletail")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Nothing() if name[:1].islower() else _Nothing


_swept = {name: _nested(value) for name, value in _parameters().items()}
config = Config(_swept)
summary = Summary()
run = None
