"""What the stand-ins for other tools' modules share.

A stand-in is a module of another tool's name that `needletail` puts on the path of a trial's program.
What the program logs goes to the runner as lines over the trial channel that have no answer, so that
any thread and any forked process may log, without a lock. What a stand-in does not know is looked for
in the installed package of that name.
"""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import stat
import sys
import threading
import types
from contextlib import contextmanager

_FOLDER = os.path.dirname(os.path.abspath(__file__))
#: Of one line; lines of this length are written in one piece whatever other threads write.
_NAMES_PER_LINE = 64


class Nothing:
    """Stands where no value is, not even None."""


class StandInError(RuntimeError):
    """A call that cannot be done, in a sentence."""


# The line to the runner


def _socket_at(number):
    """What tells the socket of a descriptor from others; None when there is no socket."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return "%d:%d" % (status.st_dev, status.st_ino) if stat.S_ISSOCK(status.st_mode) else None


def _channel():
    """The descriptor of the trial channel and what tells its socket; -1 where it is not open."""
    text = os.environ.get("NEEDLETAIL_CHANNEL", "")
    number = int(text) if text.isdigit() else -1
    found = _socket_at(number) if number >= 0 else None
    # A program that was started without the channel may have another socket under its number.
    if found is None or os.environ.setdefault("NEEDLETAIL_SOCKET", found) != found:
        return -1, None
    return number, found


_descriptor, _socket = _channel()
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _send(line):
    """Writes a line; False when the channel is not open in this process."""
    # What closes descriptors and opens others may have made a file of ours.
    if _descriptor < 0 or _socket_at(_descriptor) != _socket:
        return False
    data = (line + "\n").encode("utf-8", "replace")
    while data:
        try:
            data = data[os.write(_descriptor, data) :]
        except BlockingIOError:
            import select

            select.select([], [_descriptor], [], 1)
        except OSError as error:
            raise StandInError("needletail is gone, and what is logged is lost: %s" % error) from None
    return True


def number(value):
    """A value as a number that JSON can spell, NaN included; None when it is no single number."""
    kind = type(value)
    if kind is float:
        return value
    if kind is bool:
        return int(value)
    if kind is not int:
        if isinstance(value, (str, bytes)) or value is None:
            return None
        try:
            value = value.item() if hasattr(value, "item") else value
            if isinstance(value, bool) or not isinstance(value, int):
                return None if isinstance(value, (str, bytes)) else float(value)
        except Exception:  # Anything may stand in a log: tensors, pictures, objects that refuse.
            return None
        value = int(value)
    if -(1 << 63) <= value < 1 << 63:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def whole(step):
    """A step as a whole number from 0; None when it is none."""
    step = number(step)
    if step is None or step != step or not 0 <= step < 1 << 63 or step != int(step):
        return None
    return int(step)


def flat(values, separator="."):
    """What a mapping holds, with the names of what is nested joined."""
    found = {}
    for name, value in values.items():
        if isinstance(value, dict):
            for inner, deep in flat(value, separator).items():
                found["%s%s%s" % (name, separator, inner)] = deep
        else:
            found[str(name)] = value
    return found


def report(values, step=None, asks=False, say=None):
    """Sends those of the values that are numbers: as a report when there is a step.

    With `asks`, the program is not ended by a signal when it is to stop, but asks `should_stop`.
    Where the channel does not reach, as in a process that was started anew, the values are printed
    as the runner reads them: by `say`, or as JSON.
    """
    numbers = {}
    for name, value in values.items():
        value = number(value)
        if value is not None:
            numbers[name if type(name) is str else str(name)] = value
    if not numbers:
        return
    if step is not None:
        step = whole(step)
    end = '},"step":%d' % step if step is not None else "}"
    end += ',"asks":true}' if asks and is_asking() else "}"
    names = list(numbers)
    for start in range(0, len(names), _NAMES_PER_LINE):
        piece = numbers
        if len(names) > _NAMES_PER_LINE:
            piece = {name: numbers[name] for name in names[start : start + _NAMES_PER_LINE]}
        if not _send('{"call":"log","metrics":' + _dumps(piece)[:-1] + end):
            _print(piece, step, say)


def _print(values, step, say):
    if say is not None:
        print(say(values, step), flush=True)
        return
    # Names that would number the report give way to the step.
    line = {name: value for name, value in values.items() if name not in ("step", "epoch", "_step")}
    if step is not None:
        line["step"] = line["_step"] = step
    print(json.dumps(line), flush=True)


# The trial

_asker = [None, None]


def is_asking():
    """Whether this process is the one that asks the runner: of several, the first that wants to."""
    pid = os.getpid()
    if _asker[0] == pid:
        return _asker[1] is not None
    _asker[:] = [pid, None]
    if _descriptor >= 0 and _socket_at(_descriptor) == _socket:
        import fcntl

        file = open(os.path.join(folder(), ".asks"), "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            _asker[1] = file
    return _asker[1] is not None


def trial():
    """The trial for calls that have an answer; None where another process makes them."""
    if not is_asking():
        return None
    import needletail

    return needletail.current_trial()


def should_stop():
    """Whether the pruner wants the trial to end."""
    asked = trial()
    return asked is not None and asked.should_prune()


def tell_pruned():
    """Ends the trial as pruned."""
    asked = trial()
    if asked is not None:
        asked._channel.call("tell", state="pruned")


def tell(values):
    """Ends the trial with its objectives' values."""
    asked = trial()
    if asked is not None:
        asked._channel.call("tell", values=[float(value) for value in values])


def keep(name, value):
    """Keeps a value that JSON can spell as an attribute of the trial."""
    asked = trial()
    if asked is not None:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):
            text = json.dumps(str(value))
        asked.set_user_attr(name, json.loads(text))


def parameters():
    """The trial's parameters by their names in the study file."""
    path = os.environ.get("NEEDLETAIL_PARAMS")
    if not path:
        raise StandInError("this program is not run by needletail; start it with: needletail run study.yaml")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def nested(values):
    """Mappings from dotted names; a dotted name stays beside its mapping."""
    found = dict(values)
    for name, value in values.items():
        parts = name.split(".")
        inner = found
        for part in parts[:-1]:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if len(parts) > 1 and isinstance(inner, dict):
            inner[parts[-1]] = value
    return found


def trial_number():
    """The trial's number in its study, from 0."""
    return int(os.environ.get("NEEDLETAIL_TRIAL", "0"))


def study_name():
    """The study's name."""
    return os.environ.get("NEEDLETAIL_STUDY", "needletail")


# Files of the trial


def folder(*parts):
    """A folder of this attempt at the trial, which is made."""
    path = os.path.join(os.environ.get("NEEDLETAIL_DIR", "."), *parts)
    os.makedirs(path, exist_ok=True)
    return path


def checkpoint_folder():
    """The folder that all attempts at the trial share."""
    path = os.environ.get("NEEDLETAIL_CHECKPOINT") or folder("checkpoint")
    os.makedirs(path, exist_ok=True)
    return path


def file_name(text):
    """A text as the name of a file in a folder of ours."""
    name = re.sub(r"[^\w.=+-]+", "_", str(text)).lstrip(".")[:120]
    return name or "file"


def inner_path(base, name):
    """The path of a name that may have folders, inside the base; folders are made."""
    path = os.path.normpath(os.path.join(base, str(name)))
    if os.path.isabs(str(name)) or not path.startswith(os.path.join(os.path.normpath(base), "")):
        raise StandInError("the name %r leads out of the trial's folder; give one inside" % (name,))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def copy(source, target):
    """Copies a file or a folder, also over an earlier copy."""
    source = os.fspath(source)
    if os.path.isdir(source):
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif os.path.exists(source):
        if os.path.abspath(source) != os.path.abspath(target):
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            shutil.copyfile(source, target)
    else:
        raise FileNotFoundError("%s is not there; give the path of a file or a folder" % source)
    return target


def warn(text):
    """Says a sentence on standard error."""
    print("needletail: %s" % text, file=sys.stderr, flush=True)


class Counter:
    """The step of each metric that is logged without one: one more than that of its last report."""

    def __init__(self, start=0):
        self._start = start
        self._next = {}
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self):
        self._lock = threading.Lock()

    def step(self, name, given=None):
        """The step of a report of that name."""
        given = None if given is None else whole(given)
        with self._lock:
            step = self._next.get(name, self._start) if given is None else given
            self._next[name] = max(step + 1, self._next.get(name, 0))
            return step


class Settings:
    """Takes any arguments, and has the named ones as attributes."""

    def __init__(self, *arguments, **named):
        self.__dict__.update(named)


# The installed package


class Installed:
    """The installed package whose name a stand-in has.

    It is loaded when the stand-in is asked for what it does not know. The stand-in stays in
    `sys.modules`, so the package's own code meets the stand-in's functions, too.
    """

    def __init__(self, name, on_load=None):
        self.name = name
        self.stand_in = sys.modules[name]
        self._on_load = on_load
        #: Modules of ours by name, and what the package has under these names.
        self._ours = {name: self.stand_in}
        self._theirs = {}
        self._lock = threading.RLock()
        self._is_loading = False
        path = [entry for entry in sys.path if os.path.abspath(entry or ".") != _own_folder(name)]
        self.spec = importlib.machinery.PathFinder.find_spec(name, path)
        if self.spec is not None and self.spec.origin is None:
            self.spec = None  # A folder of that name, such as `wandb/` with runs in it.
        places = self.spec and self.spec.submodule_search_locations
        self.stand_in.__path__ = list(places or [])  # type: ignore[attr-defined]
        sys.meta_path.insert(0, self)

    @property
    def is_there(self):
        """Whether there is such a package."""
        return self.spec is not None

    @property
    def is_forwarded_to(self):
        """Whether the study file wants calls to reach it, and it is there."""
        return self.is_there and self.name in os.environ.get("NEEDLETAIL_FORWARD", "").split(":")

    def module(self, name, **members):
        """Makes a module of ours below the stand-in; unknown attributes are the package's."""
        full = "%s.%s" % (self.name, name)
        made = types.ModuleType(full)
        made.__dict__.update(members)
        made.__path__ = []  # type: ignore[attr-defined]

        def get(attribute):
            return self.attribute(attribute, full)

        made.__getattr__ = get  # type: ignore[attr-defined]
        sys.modules[full] = self._ours[full] = made
        parent, _, last = full.rpartition(".")
        setattr(sys.modules[parent], last, made)
        return made

    def attribute(self, attribute, module=None):
        """What the package has under a name that the stand-in does not know."""
        module = module or self.name
        hidden = attribute.startswith("__") and attribute.endswith("__") and attribute != "__version__"
        if hidden or self._is_loading:
            raise AttributeError("module %r has no attribute %r" % (module, attribute))
        if not self.is_there:
            raise AttributeError(self._refusal("%s.%s" % (module, attribute)))
        return getattr(self.load(module), attribute)

    def _refusal(self, what):
        return (
            "%s is not part of needletail's stand-in for %s, and the package is not installed; install "
            "it, or take '%s' out of 'stand_ins' in the study file" % (what, self.name, self.name)
        )

    @property
    def is_loaded(self):
        """Whether the package has been needed."""
        return self.name in self._theirs

    def load(self, module=None):
        """The package, or one of its modules."""
        module = module or self.name
        with self._lock:
            is_first = not self.is_loaded
            if module not in self._theirs:
                with self._swapped():
                    self._theirs[module] = importlib.import_module(module)
            if is_first and self._on_load is not None:
                self._on_load(self._theirs[self.name])
            return self._theirs[module]

    @contextmanager
    def _swapped(self):
        """Puts the package's modules where ours stand."""
        assert self.spec is not None
        for name in self._ours:
            sys.modules.pop(name, None)
        sys.modules.update(self._theirs)
        self._is_loading = True
        try:
            if self.name not in sys.modules:
                made = importlib.util.module_from_spec(self.spec)
                sys.modules[self.name] = self._theirs[self.name] = made
                try:
                    self.spec.loader.exec_module(made)  # type: ignore[union-attr]
                except BaseException:
                    del sys.modules[self.name], self._theirs[self.name]
                    raise
            yield
        finally:
            self._is_loading = False
            for name, own in self._ours.items():
                if name in sys.modules:
                    self._theirs[name] = sys.modules[name]
                sys.modules[name] = own

    def find_spec(self, name, path=None, target=None):
        """Where a module below the stand-in comes from; for Python's import."""
        if not name.startswith(self.name + ".") or self._is_loading:
            return None
        if not self.is_there:
            raise ModuleNotFoundError(self._refusal(name), name=name)
        self.load()
        if name in sys.modules:
            return importlib.machinery.ModuleSpec(name, _Loaded(sys.modules[name]))
        return importlib.machinery.PathFinder.find_spec(
            name, path or self.stand_in.__path__  # type: ignore[attr-defined]
        )


class _Loaded:
    """Gives Python's import a module that is there already."""

    def __init__(self, module):
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec


def _own_folder(name):
    return os.path.dirname(os.path.abspath(sys.modules[name].__file__ or ""))
