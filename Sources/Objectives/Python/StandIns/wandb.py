"""A stand-in for W&B's module: nothing is sent anywhere.

`wandb.config` has the trial's parameters, over those of the program's own `config=`. What `wandb.log`
and `wandb.summary` get is reported while the program runs, and media and artifacts become files of the
trial. A study file names it with `stand_ins: [wandb]`; with `stand_ins: {wandb: forward}` the calls
also reach the installed package. What it does not know is the package's.
"""

import glob as _glob
import json
import os
import struct
import sys
import threading
import zlib

from needletail_stand_in import (
    Installed,
    copy,
    file_name,
    flat,
    folder,
    inner_path,
    nested,
    number,
    parameters,
    report,
    study_name,
    trial_number,
    warn,
    whole,
)

_installed = Installed("wandb")
__version__ = "0.31.0"


class Error(Exception):
    """A call that cannot be done."""


UsageError = CommError = Error
_installed.module("errors", Error=Error, UsageError=Error, CommError=Error)


# Configuration


def _swept():
    """The trial's parameters as a sweep gives them."""
    path = os.environ.get("WANDB_SWEEP_PARAM_PATH")
    if path and os.path.exists(path):
        try:
            with open(path, encoding="utf-8") as file:
                given = json.load(file)
            return nested({name: entry["value"] for name, entry in given.items()})
        except (ValueError, TypeError, KeyError):
            pass  # Not the file that `needletail` writes; the parameters stand in another one, too.
    return nested(parameters()) if os.environ.get("NEEDLETAIL_PARAMS") else {}


def _nested(value):
    if isinstance(value, dict):
        return Nested((name, _nested(inner)) for name, inner in value.items())
    return value


class Nested(dict):
    """A mapping whose items are attributes, too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError("%r is not in the configuration" % name) from None

    def __setattr__(self, name, value):
        self[name] = value


class Config(Nested):
    """The parameters, as keys and as attributes; those of the trial stay as they are."""

    def __init__(self):
        super().__init__(_nested(_locked))

    def __setitem__(self, name, value):
        if name not in _locked:
            super().__setitem__(name, _nested(value))
            if run is not None and run._theirs is not None:
                run._theirs.config.update({name: value}, allow_val_change=True)

    def update(self, *others, allow_val_change=None, **more):
        for other in others + (more,):
            for name, value in _mapping(other).items():
                self[name] = value

    def update_locked(self, values, user=None, _allow_val_change=None):
        self.update(values)

    def setdefaults(self, values):
        for name, value in _mapping(values).items():
            if name not in self:
                self[name] = value

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def as_dict(self):
        return dict(self)

    def __delitem__(self, name):
        if name not in _locked:
            super().__delitem__(name)


def _mapping(given):
    """What was given as a configuration, as a mapping."""
    if given is None:
        return {}
    if isinstance(given, str):
        try:
            import yaml  # type: ignore[import-untyped]
        except ImportError:
            raise Error("config=%r is a file, which needs PyYAML to be read; install it" % given) from None
        with open(given, encoding="utf-8") as file:
            read = yaml.safe_load(file) or {}
        return {
            name: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
            for name, entry in read.items()
            if name != "wandb_version"
        }
    if hasattr(given, "flag_values_dict"):
        return given.flag_values_dict()
    if hasattr(given, "items"):
        return dict(given.items())
    try:
        return dict(given)
    except TypeError:
        return dict(vars(given))


# Summary


class Summary(Nested):
    """The last value of each metric, or what `define_metric` says; what is set here is reported."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        _report(flat({name: value}))
        if run is not None and run._theirs is not None:
            run._theirs.summary[name] = value

    def update(self, *others, **more):
        for other in others + (more,):
            for name, value in dict(other or {}).items():
                self[name] = value

    def _take(self, name, value, rules):
        """Takes a logged value."""
        for rule in rules or ("last",):
            if rule in ("none", "hidden", "overwrite", "copy", "last"):
                if rule != "none":
                    dict.__setitem__(self, name, value)
                continue
            own = dict.get(self, name)
            if not isinstance(own, dict):
                own = Nested()
                dict.__setitem__(self, name, own)
            if rule not in own:
                own[rule] = value
            elif rule == "min":
                own[rule] = min(own[rule], value)
            elif rule == "max":
                own[rule] = max(own[rule], value)
            elif rule == "mean":
                count = _counts.get(name, 1)
                own[rule] += (value - own[rule]) / (count + 1)
        if "mean" in rules:
            _counts[name] = _counts.get(name, 0) + 1


_counts = {}  # type: dict


def _report(values, step=None):
    report(values, step)


# Runs


class Run:
    """What `wandb.init` returns."""

    def __init__(self, given, theirs=None):
        self._theirs = theirs
        self._lock = threading.RLock()
        self._first = Run._next
        self._rules = {}
        self.config = config
        self.summary = summary
        self.id = given.get("id") or os.environ.get("WANDB_RUN_ID") or "%s-%d" % (study_name(), trial_number())
        self.name = given.get("name") or os.environ.get("WANDB_NAME") or "trial-%d" % trial_number()
        self.project = given.get("project") or os.environ.get("WANDB_PROJECT") or study_name()
        self.entity = given.get("entity") or os.environ.get("WANDB_ENTITY") or ""
        self.group = given.get("group") or ""
        self.job_type = given.get("job_type") or ""
        self.notes = given.get("notes")
        self.tags = tuple(given.get("tags") or ())
        self.sweep_id = os.environ.get("WANDB_SWEEP_ID") or study_name()
        self.url = self.project_url = self.sweep_url = None
        self.path = "/".join((self.entity or "needletail", self.project, self.id))
        self.start_time = __import__("time").time()
        self.step = self.starting_step = 0
        self.offline, self.disabled, self.resumed, self.settings = True, False, False, Settings()
        self._is_finished = self._is_late = False

    #: The step from which the next run counts: of several runs in one trial, each goes on.
    _next = 0

    @property
    def dir(self):
        return folder("files")

    def project_name(self):
        return self.project

    def get_url(self):
        return self.url

    get_project_url = get_sweep_url = get_url

    def log(self, data=None, step=None, commit=None, sync=None):
        """Reports what is a number, and makes files of media."""
        if self._is_finished:
            raise Error("Run (%s) is finished. The call to `log` will be ignored; call wandb.init() again" % self.id)
        if not isinstance(data, dict):
            try:
                data = dict(data)
            except (TypeError, ValueError):
                raise ValueError("wandb.log must be passed a dictionary") from None
        with self._lock:
            if step is not None:
                given = whole(step)
                if given is None:
                    raise Error("wandb.log got step=%r; give a whole number from 0" % (step,))
                if given < self.step:
                    self._log_late(data, given)
                    return
                self.step = given
            now = self.step
            if commit or (commit is None and step is None):
                self.step += 1
        Run._next = max(Run._next, self._first + now + 1)
        values = flat(data) if any(isinstance(value, dict) for value in data.values()) else data
        _report(values, self._first + now)
        for name, value in values.items():
            plain = number(value)
            if plain is None:
                plain = _kept(value, name, now)
            elif name in self._rules:
                summary._take(name, plain, self._rules[name])
                continue
            dict.__setitem__(summary, name, plain)
        if self._theirs is not None:
            self._theirs.log(data, step=step, commit=commit)

    def _log_late(self, data, step):
        """Takes what W&B would drop as values without a step."""
        if not self._is_late:
            self._is_late = True
            warn("step %d is below the current step %d; its values count, and are no report" % (step, self.step))
        values = flat(data)
        _report(values)
        for name, value in values.items():
            dict.__setitem__(summary, name, value)

    def define_metric(self, name, step_metric=None, step_sync=None, hidden=None, summary=None, goal=None, **named):
        """Says what the summary has of a metric."""
        rules = tuple(rule.strip().lower() for rule in (summary or "last").split(","))
        known = ("min", "max", "mean", "best", "first", "last", "copy", "none")
        for rule in rules:
            if rule not in known:
                raise Error("Unhandled define_metric() arg: summary op: %s" % rule)
        best = "max" if (goal or "").startswith("max") else "min"
        self._rules[str(name)] = tuple(best if rule == "best" else rule for rule in rules)
        if self._theirs is not None:
            given = dict(named, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary, goal=goal)
            return self._theirs.define_metric(
                name, **{option: value for option, value in given.items() if value is not None}
            )
        return None

    def finish(self, exit_code=None, quiet=None):
        """Ends the run; another may begin in the same trial."""
        global run
        if self._theirs is not None and not self._is_finished:
            self._theirs.finish(exit_code=exit_code)
        self._is_finished = True
        if run is self:
            run = None

    def join(self, exit_code=None):
        self.finish(exit_code)

    def watch(self, models, *arguments, **named):
        if self._theirs is not None:
            return self._theirs.watch(models, *arguments, **named)
        return ()

    def unwatch(self, models=None):
        if self._theirs is not None:
            self._theirs.unwatch(models)

    def save(self, glob_str=None, base_path=None, policy="live"):
        """Copies files into the trial's folder."""
        saved = []
        pattern = os.fspath(glob_str) if glob_str is not None else ""
        for path in _glob.glob(pattern):
            name = os.path.relpath(path, base_path) if base_path else os.path.basename(path)
            target = inner_path(self.dir, name)
            saved.append(copy(path, target))
        return saved

    def restore(self, name, run_path=None, replace=False, root=None):
        """Opens a file that was saved in this trial."""
        path = inner_path(self.dir, name)
        if run_path is not None or not os.path.exists(path):
            raise ValueError("File %s not found in this trial's %s." % (name, self.dir))
        return open(path)

    def log_artifact(self, artifact_or_path, name=None, type=None, aliases=None, tags=None):
        """Keeps an artifact as files of the trial."""
        if self._theirs is not None:
            return self._theirs.log_artifact(artifact_or_path, name=name, type=type, aliases=aliases)
        artifact = artifact_or_path
        if not isinstance(artifact, Artifact):
            path = os.fspath(artifact)
            artifact = Artifact(name or "run-%s-%s" % (self.id, os.path.basename(path)), type or "unspecified")
            (artifact.add_dir if os.path.isdir(path) else artifact.add_file)(path)
        return artifact._keep(aliases)

    upsert_artifact = finish_artifact = log_artifact

    def use_artifact(self, artifact_or_name, type=None, aliases=None, use_as=None):
        """An artifact that this trial has logged."""
        if self._theirs is not None:
            return self._theirs.use_artifact(artifact_or_name, type=type)
        if isinstance(artifact_or_name, Artifact):
            return artifact_or_name._keep(aliases)
        name = str(artifact_or_name).rpartition("/")[2]
        found = _artifacts.get(name if ":" in name else name + ":latest")
        if found is None:
            raise CommError("the artifact %r is none of this trial's, and nothing is fetched" % artifact_or_name)
        return found

    def log_model(self, path, name=None, aliases=None):
        artifact = Artifact(name or "run-%s-%s" % (self.id, os.path.basename(os.fspath(path))), "model")
        (artifact.add_dir if os.path.isdir(path) else artifact.add_file)(path)
        self.log_artifact(artifact, aliases=aliases)

    def log_code(self, root=".", *arguments, **named):
        return None

    def alert(self, title, text="", level=None, wait_duration=None):
        warn("%s: %s" % (title, text))

    def mark_preempting(self):
        return None

    def display(self, height=420, hidden=False):
        return False

    def to_html(self, height=420, hidden=False):
        return ""

    def status(self):
        return None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.finish(0 if kind is None else 1)
        return False

    def __getattr__(self, name):
        theirs = self.__dict__.get("_theirs")
        if theirs is not None and not name.startswith("__"):
            return getattr(theirs, name)
        raise AttributeError("wandb's run has no %r in needletail's stand-in" % name)


class Settings:
    """Takes any settings; they concern the service."""

    def __init__(self, *arguments, **named):
        self.__dict__.update(named)


# Files

_artifacts = {}  # type: dict


class Artifact:
    """Files with a name, which `log_artifact` copies into the trial's folder."""

    def __init__(self, name, type, description=None, metadata=None, incremental=False, use_as=None):
        self.name, self.type, self.description = name, type, description
        self.metadata = dict(metadata or {})
        self.aliases, self.version = [], None
        self._folder = folder("artifacts", ".drafts", file_name(name))
        self._sources = {}
        self._references = {}

    def add_file(self, local_path, name=None, is_tmp=False, **named):
        if not os.path.isfile(local_path):
            raise ValueError("Path is not a file: %r" % (local_path,))
        name = name or os.path.basename(os.fspath(local_path))
        copy(local_path, inner_path(self._folder, name))
        return self.get_path(name)

    def add_dir(self, local_path, name=None, **named):
        if not os.path.isdir(local_path):
            raise ValueError("Path is not a directory: %r" % (local_path,))
        copy(local_path, inner_path(self._folder, os.path.join(name or "", ".")) if name else self._folder)

    def add(self, obj, name, **named):
        saved = obj._save(os.path.join(self._folder, file_name(name)))
        return Entry(os.path.relpath(saved, self._folder), saved)

    def add_reference(self, uri, name=None, **named):
        self._references[name or str(uri)] = str(uri)
        return ()

    def new_file(self, name, mode="x", encoding=None):
        return open(inner_path(self._folder, name), mode, encoding=encoding)

    def remove(self, item):
        os.remove(inner_path(self._folder, getattr(item, "path", item)))

    def save(self, project=None, settings=None):
        if run is None:
            raise Error("You must call wandb.init() before saving an artifact")
        run.log_artifact(self)

    def _keep(self, aliases=None):
        """Moves the draft to its place."""
        if self.version:
            return self
        base = folder("artifacts", file_name(self.name))
        version = len([name for name in os.listdir(base) if name[:1] == "v" and name[1:].isdigit()])
        target = os.path.join(base, "v%d" % version)
        os.rename(self._folder, target)
        if self._references:
            with open(os.path.join(target, "references.json"), "w", encoding="utf-8") as file:
                json.dump(self._references, file, indent=2)
        self.version, self._kept = "v%d" % version, target
        self.aliases = ["latest"] + [alias for alias in aliases or [] if alias != "latest"]
        for alias in self.aliases + [self.version]:
            _artifacts["%s:%s" % (self.name, alias)] = self
        return self

    def wait(self, timeout=None):
        return self

    def download(self, root=None, **named):
        source = self._kept if self.version else self._folder
        return copy(source, root) if root else source

    def file(self, root=None):
        names = self.files()
        if len(names) != 1:
            raise ValueError("the artifact %r has %d files; use download()" % (self.name, len(names)))
        return os.path.join(self.download(root), names[0])

    def files(self, names=None, per_page=50):
        base = self._kept if self.version else self._folder
        return sorted(
            os.path.relpath(os.path.join(place, name), base)
            for place, _, inside in os.walk(base)
            for name in inside
        )

    def get_path(self, name):
        return Entry(name, inner_path(self._kept if self.version else self._folder, name))

    get_entry = get_path


class Entry:
    """A file of an artifact."""

    def __init__(self, path, place):
        self.path, self._place = path, place

    def download(self, root=None, **named):
        return copy(self._place, os.path.join(root, self.path)) if root else self._place

    def local_path(self):
        return self._place


class _Media:
    """What becomes a file when it is logged."""

    ending = ".bin"

    def __init__(self, data_or_path=None, caption=None, **named):
        self._data, self._caption = data_or_path, caption

    def _save(self, place):
        """Writes it beside others, and returns the path."""
        data = self._data
        if isinstance(data, (str, os.PathLike)) and os.path.exists(data):
            return copy(data, place + (os.path.splitext(os.fspath(data))[1] or self.ending))
        if hasattr(data, "read"):
            content = data.read()
            mode = {"mode": "w", "encoding": "utf-8"} if isinstance(content, str) else {"mode": "wb"}
            with open(place + self.ending, **mode) as file:
                file.write(content)
            return place + self.ending
        return self._write(place + self.ending)

    def _write(self, path):
        raise Error("%s of %s cannot be kept; give a path" % (type(self).__name__, type(self._data).__name__))


class Image(_Media):
    """A picture: a path, an array, a figure of Matplotlib or a picture of Pillow."""

    ending = ".png"

    def __init__(self, data_or_path=None, mode=None, caption=None, grouping=None, **named):
        super().__init__(data_or_path, caption)

    def _write(self, path):
        data = getattr(self._data, "figure", self._data)
        if hasattr(data, "savefig"):
            data.savefig(path)
        elif hasattr(data, "save"):
            data.save(path)
        elif data is None:
            return None
        else:
            _write_picture(path, data)
        return path


def _write_picture(path, data):
    """Writes rows of grey or coloured points as PNG."""
    if hasattr(data, "detach"):
        data = data.detach().cpu()
    rows = data.tolist() if hasattr(data, "tolist") else [list(row) for row in data]
    while len(rows) == 1 and isinstance(rows[0][0], list) and isinstance(rows[0][0][0], (int, float, list)):
        if not isinstance(rows[0][0][0], list) and len(rows[0][0]) in (1, 3, 4):
            break
        rows = rows[0]
    if len(rows) == 3 and isinstance(rows[0][0], list) and len(rows[0][0]) not in (1, 3, 4):
        # Channels first, as PyTorch has them.
        rows = [[[plane[y][x] for plane in rows] for x in range(len(rows[0][0]))] for y in range(len(rows[0]))]
    points = [[point if isinstance(point, list) else [point] for point in row] for row in rows]
    everything = [value for row in points for point in row for value in point]
    scale = 255 if everything and max(everything) <= 1 and any(isinstance(v, float) for v in everything) else 1
    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    depth = len(points[0][0])
    if depth not in kinds:
        raise Error("a picture has %d values in a point; give 1, 3 or 4" % depth)
    lines = b"".join(
        b"\0" + bytes(min(255, max(0, int(value * scale))) for point in row for value in point) for row in points
    )

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", len(points[0]), len(points), 8, kinds[depth], 0, 0, 0)
    with open(path, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
        )


class Audio(_Media):
    """A sound: a path, or samples from -1 to 1."""

    ending = ".wav"

    def __init__(self, data_or_path=None, sample_rate=None, caption=None):
        super().__init__(data_or_path, caption)
        self._rate = sample_rate or 44_100

    def _write(self, path):
        import wave

        rows = self._data.tolist() if hasattr(self._data, "tolist") else list(self._data)
        samples = [row if isinstance(row, list) else [row] for row in rows]
        with wave.open(path, "wb") as file:
            file.setnchannels(len(samples[0]) if samples else 1)
            file.setsampwidth(2)
            file.setframerate(int(self._rate))
            file.writeframes(
                b"".join(
                    struct.pack("<h", int(max(-1.0, min(1.0, value)) * 32_767)) for row in samples for value in row
                )
            )
        return path


class Video(_Media):
    """A film, by its path."""

    ending = ".mp4"

    def __init__(self, data_or_path=None, caption=None, fps=None, format=None):
        super().__init__(data_or_path, caption)


class Html(_Media):
    """A page: its text or its path."""

    ending = ".html"

    def __init__(self, data=None, inject=True, data_is_not_path=False):
        super().__init__(data)

    def _write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(self._data))
        return path


class Object3D(_Media):
    """Points in space: a path, or rows of numbers."""

    ending = ".pts.json"

    def _write(self, path):
        return _write_json(path, self._data)


class Molecule(_Media):
    """A molecule, by its path."""

    ending = ".pdb"


class Plotly(_Media):
    """A figure of Plotly."""

    ending = ".plotly.json"

    def _write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._data.to_json())
        return path


class Histogram(_Media):
    """How often values occur."""

    ending = ".json"

    def __init__(self, sequence=None, np_histogram=None, num_bins=64):
        super().__init__(sequence)
        if np_histogram is not None:
            self.histogram, self.bins = (list(part) for part in np_histogram)
            return
        values = sequence.tolist() if hasattr(sequence, "tolist") else list(sequence or ())
        values = [float(value) for value in _leaves(values) if value == value and abs(value) != float("inf")]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        width = (high - low) / num_bins or 1.0
        self.bins = [low + place * width for place in range(num_bins + 1)]
        self.histogram = [0] * num_bins
        for value in values:
            self.histogram[min(num_bins - 1, int((value - low) / width))] += 1

    def _save(self, place):
        return _write_json(
            place + self.ending, {"_type": "histogram", "values": self.histogram, "bins": self.bins}
        )


class Table(_Media):
    """Rows under columns."""

    ending = ".table.json"

    def __init__(self, columns=None, data=None, rows=None, dataframe=None, dtype=None, optional=True, **named):
        super().__init__()
        if dataframe is None and hasattr(data, "columns") and hasattr(data, "values"):
            dataframe, data = data, None
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        self.columns = list(columns) if columns is not None else ["Input", "Output", "Expected"]
        self.data = [list(row) for row in (data if data is not None else rows or ())]

    def add_data(self, *row):
        if len(row) != len(self.columns):
            raise ValueError("This table expects %d columns: %s, found %d" % (len(self.columns), self.columns, len(row)))
        self.data.append(list(row))

    add_row = add_data

    def add_column(self, name, data, optional=False):
        values = list(data)
        self.columns.append(name)
        if not self.data:
            self.data = [[] for _ in values]
        for row, value in zip(self.data, values):
            row.append(value)

    def get_column(self, name, convert_to=None):
        place = self.columns.index(name)
        return [row[place] for row in self.data]

    def iterrows(self):
        return enumerate(self.data)

    def _save(self, place):
        rows = [
            [_kept(value, "%s_%d" % (os.path.basename(place), index), 0, os.path.dirname(place)) for value in row]
            for index, row in enumerate(self.data)
        ]
        return _write_json(place + self.ending, {"columns": self.columns, "data": rows})


class _Chart(_Media):
    """A chart of `wandb.plot`: what it is made of."""

    ending = ".chart.json"

    def __init__(self, kind, *arguments, **named):
        super().__init__()
        self._content = dict(named, kind=kind, arguments=list(arguments))

    def _save(self, place):
        return _write_json(place + self.ending, self._content)


def _chart(kind):
    def make(*arguments, **named):
        return _Chart(kind, *arguments, **named)

    make.__name__ = kind
    return make


_Image, _Plotly = Image, Plotly


def _leaves(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        else:
            yield value


def _write_json(path, content):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, default=_plain)
    return path


def _plain(value):
    if isinstance(value, Table):
        return {"columns": value.columns, "data": value.data}
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _kept(value, name, step, base=None):
    """What stands for a value that is no number: the path of its file where it becomes one."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], _Media):
        return [_kept(one, "%s_%d" % (name, place), step, base) for place, one in enumerate(value)]
    if hasattr(value, "savefig"):
        value = _Image(value)
    elif hasattr(value, "to_plotly_json"):
        value = _Plotly(value)
    if not isinstance(value, _Media):
        return number(value) if number(value) is not None else value
    place = os.path.join(base or folder("media"), "%s_%d" % (file_name(name), step))
    saved = value._save(place)
    return saved and os.path.relpath(saved, os.environ.get("NEEDLETAIL_DIR", "."))


# The module's functions


def init(*arguments, config=None, config_exclude_keys=None, config_include_keys=None, **named):
    """Starts the run; the trial's parameters win over the program's own configuration."""
    global run
    if run is not None:
        globals()["config"].update(_mapping(config))
        return run
    own = _mapping(config)
    if config_include_keys is not None:
        own = {name: value for name, value in own.items() if name in config_include_keys}
    for name in config_exclude_keys or ():
        own.pop(name, None)
    globals()["config"].update(own)
    theirs = None
    if _installed.is_forwarded_to:
        merged = dict(own)
        merged.update((name, value) for name, value in _locked.items() if "." not in name)
        theirs = _installed.load().init(*arguments, config=merged, **named)
    for name, value in zip(("entity", "project"), arguments):
        named.setdefault(name, value)
    run = Run(named, theirs)
    return run


def _of_run(name):
    def call(*arguments, **named):
        if run is None:
            raise Error("You must call wandb.init() before wandb.%s()" % name)
        return getattr(run, name)(*arguments, **named)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = getattr(Run, name).__doc__
    return call


log = _of_run("log")
define_metric = _of_run("define_metric")
watch = _of_run("watch")
unwatch = _of_run("unwatch")
save = _of_run("save")
restore = _of_run("restore")
log_artifact = _of_run("log_artifact")
use_artifact = _of_run("use_artifact")
log_model = _of_run("log_model")
alert = _of_run("alert")
mark_preempting = _of_run("mark_preempting")


def finish(exit_code=None, quiet=None):
    """Ends the run, if there is one."""
    if run is not None:
        run.finish(exit_code)


join = finish


def agent(sweep_id=None, function=None, entity=None, project=None, count=None):
    """Calls the function once: each trial is a process of its own."""
    if function is None:
        raise Error("wandb.agent has no function to call here; let needletail run the program itself")
    function()
    finish()


def sweep(sweep=None, entity=None, project=None, prior_runs=None):
    """The name of the study; the study file says what is tried."""
    return os.environ.get("WANDB_SWEEP_ID") or study_name()


def login(*arguments, **named):
    """Nothing to log in to."""
    return True


def setup(*arguments, **named):
    """Nothing to set up."""


def teardown(exit_code=None):
    """Ends the run."""
    finish(exit_code)


def termlog(string="", newline=True, repeat=True):
    """Says something on standard error."""
    print(string, end="\n" if newline else "", file=sys.stderr, flush=True)


termwarn = termerror = termlog


def ensure_configured():
    """Nothing to configure."""


def __getattr__(name):
    return _installed.attribute(name)


_locked = {name: _nested(value) for name, value in _swept().items()}
run = None
config = Config()
summary = Summary()

if _installed.is_forwarded_to:
    # The package's own, since they are to reach it.
    for _name in ("Artifact", "Audio", "Histogram", "Html", "Image", "Molecule", "Object3D", "Plotly", "Table", "Video"):
        del globals()[_name]
else:
    _installed.module("plot", **{kind: _chart(kind) for kind in (
        "bar", "confusion_matrix", "histogram", "line", "line_series", "plot_table", "pr_curve", "roc_curve",
        "scatter")})


def _after_fork():
    if run is not None:
        run._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
