"""Hostile use of the library: each call is an error code with a sentence, and nothing traps."""

import ctypes
import json
import math
import os
import random
import subprocess
import sys
import threading

import needletail
from needletail import _library

needletail.logging.set_verbosity(needletail.logging.ERROR)
engine = _library.library()
functions = engine.functions
handle, number, place = ctypes.c_uint64(), ctypes.c_int64(), ctypes.c_void_p()


def code(name, *arguments):
    return functions[name](*arguments)


def refused(wanted, name, *arguments):
    found = code(name, *arguments)
    assert found == wanted, (name, arguments, found, engine.message())
    message = engine.message().decode()
    assert message and functions["code"]() == wanted, message


store = engine.make("store_open", None)
study = engine.make("study_create", store, b"s", b'{"sampler": "random"}')
float_x = engine.make("parameter_create", b"x", b'{"type": "float", "low": 0, "high": 1}')

# Closed, closed twice, of another kind, made up.
closed = engine.make("store_open", None)
assert code("close", closed) == 0
refused(2, "close", closed)
refused(2, "store_studies", closed, ctypes.byref(place))
brief = engine.make("study_create", store, b"brief", b'{"sampler": "random"}')
assert code("study_ask", brief, ctypes.byref(handle), None) == 0
assert code("close", brief) == 0
refused(2, "trial_report", handle, 1.0, 0)
refused(2, "study_info", store, ctypes.byref(place))
refused(2, "store_delete", study, b"s")
refused(2, "trial_report", study, 1.0, 0)
refused(2, "trial_report", float_x, 1.0, 0)
assert math.isnan(functions["trial_suggest"](study, float_x)) and functions["code"]() == 2
generator = random.Random(1)
handles = [store, study, float_x, closed]
for _ in range(20_000):
    made_up = generator.choice(handles) ^ 1 << generator.randrange(64)
    if made_up not in handles:
        refused(2, "close", made_up)
for made_up in (0, 1, 2**32, 2**63, 2**64 - 1):
    refused(2, "study_ask", made_up, ctypes.byref(handle), None)
assert code("study_info", study, ctypes.byref(place)) == 0
functions["free"](place)

# Null pointers, texts that are none, JSON that is none, options that are not known.
refused(1, "store_open", None, None)
refused(1, "store_open", b"\xff\xfe", ctypes.byref(handle))
refused(1, "store_open", b"mysql://host/name", ctypes.byref(handle))
refused(1, "study_create", store, None, None, ctypes.byref(handle))
refused(1, "study_create", store, b"\xff", None, ctypes.byref(handle))
refused(1, "study_create", store, b"", None, ctypes.byref(handle))
refused(1, "study_create", store, b"t" * 600, None, ctypes.byref(handle))
refused(4, "study_create", store, b"s", None, ctypes.byref(handle))
refused(5, "study_load", store, b"other", None, ctypes.byref(handle))
for options in (
    b"", b"[]", b"{", b'{"other": 1}', b'{"directions": []}', b'{"directions": ["up"]}',
    b'{"seed": 1.5}', b'{"seed": 1e400}', b'{"sampler": "nothing"}', b'{"sampler": {"name": "tpe", "x": 1}}',
    b'{"sampler": {"name": "tpe", "group": true, "multivariate": false}}', b'{"sampler": [1]}',
    b'{"pruner": {"name": "asha", "reduction_factor": 1}}', b'{"if_exists": 1}', b"[" * 100_000,
):
    refused(1, "study_create", store, b"new", options, ctypes.byref(handle))
for distribution in (
    b"{}", b'{"type": "float"}', b'{"type": "float", "low": 1, "high": 0}',
    b'{"type": "float", "low": NaN, "high": 0}', b'{"type": "float", "low": 0, "high": Infinity}',
    b'{"type": "int", "low": 0.5, "high": 2}', b'{"type": "int", "low": 0, "high": 99999999999999999999}',
    b'{"type": "int", "low": 0, "high": 1e308}', b'{"type": "categorical", "choices": []}',
    b'{"type": "float", "low": 0, "high": 1, "step": 0}', b"\xff", b"null",
):
    refused(1, "parameter_create", b"x", distribution, ctypes.byref(handle))

# Storages of Optuna's.
length = ctypes.c_size_t(7)
reply = (ctypes.byref(place), ctypes.byref(length))
storage = engine.make("storage_open", None)
refused(1, "storage_open", None, None)
refused(1, "storage_open", b"\xff", ctypes.byref(handle))
refused(11, "storage_open", b"http://127.0.0.1:1", ctypes.byref(handle))
refused(2, "storage_call", store, b"GetAllStudies", None, 0, *reply)
refused(11, "storage_call", storage, b"GetNothing", None, 0, *reply)
refused(1, "storage_call", storage, None, None, 0, *reply)
refused(1, "storage_call", storage, b"GetAllStudies", None, 1, *reply)
refused(1, "storage_call", storage, b"GetAllStudies", None, 2**64 - 1, *reply)
refused(1, "storage_call", storage, b"GetAllStudies", None, 0, None, None)
refused(6, "storage_call", storage, b"GetTrial", b"\xff", 1, *reply)
refused(5, "storage_call", storage, b"GetTrial", b"\x08\x01", 2, *reply)
refused(1, "storage_call", storage, b"CreateNewStudy", None, 0, *reply)
assert code("storage_call", storage, b"CreateNewStudy", b"\x0a\x01\x00\x12\x01s", 6, *reply) == 0
assert ctypes.string_at(place.value, length.value) == b"\x08\x01"
functions["free"](place)
refused(4, "storage_call", storage, b"CreateNewStudy", b"\x0a\x01\x00\x12\x01s", 6, *reply)
assert code("storage_call", storage, b"DeleteStudy", b"\x08\x01", 2, *reply) == 0
assert place.value is None and length.value == 0
assert code("close", storage) == 0
refused(2, "close", storage)
refused(2, "storage_call", storage, b"GetAllStudies", None, 0, *reply)

# Trials.
assert code("study_ask", study, ctypes.byref(handle), ctypes.byref(number)) == 0 and number.value == 0
trial = handle.value
refused(1, "trial_report", trial, 1.0, -1)
assert code("trial_report", trial, math.nan, 2**63 - 1) == 0
refused(1, "trial_set_constraint", trial, b"c", math.nan)
refused(1, "trial_set_constraint", trial, None, 0.0)
refused(1, "trial_set_attribute", trial, b"k", b"nothing")
refused(1, "trial_set_attribute", trial, b"\xff", b"1")
refused(1, "trial_suggest_all", trial, None, 1, None)
refused(1, "trial_should_prune", trial, None)
refused(1, "trial_tell", trial, 0, None, 1, None)
refused(1, "trial_tell", trial, 9, None, 0, None)
values = (ctypes.c_double * 1)(1.0)
refused(1, "trial_tell", trial, 0, values, 2**62, None)
refused(1, "trial_tell", trial, 2, None, 0, b"\xff")
assert 0 <= functions["trial_suggest"](trial, float_x) <= 1
other_x = engine.make("parameter_create", b"x", b'{"type": "int", "low": 0, "high": 1}')
assert math.isnan(functions["trial_suggest"](trial, other_x)) and functions["code"]() == 1
assert code("trial_tell", trial, 0, values, 1, None) == 0
refused(2, "trial_tell", trial, 0, values, 1, None)
refused(2, "trial_report", trial, 1.0, 1)
refused(7, "study_resume", study, 0, ctypes.byref(handle))
refused(5, "study_resume", study, 99, ctypes.byref(handle))
refused(5, "study_resume", study, -(2**63), ctypes.byref(handle))
for shown in (-(2**63), -1, 1, 2**63 - 1):
    assert code("study_trials", study, shown, ctypes.byref(place)) == 0
    functions["free"](place)
for added in (
    b"{}", b'{"trials": [{}]}', b'{"trials": [{"state": "odd"}]}',
    b'{"trials": [{"state": "completed", "parameters": [["x", 0, 1]]}]}',
    b'{"trials": [{"state": "completed", "values": ["word"]}]}',
    b'{"trials": [{"state": "completed", "values": [1, 2, 3]}]}',
    b'{"trials": [{"state": "completed", "values": [1], "reports": [[-1, 0]]}]}',
    b'{"trials": [{"state": "completed", "values": [NaN]}]}', b'{"distributions": [1]}',
):
    if code("study_add_trials", study, added) == 0:
        assert added == b"{}", added
refused(1, "study_plot", study, b"nothing", b"svg", None, ctypes.byref(place), None)
refused(1, "study_plot", study, b"history", b"gif", None, ctypes.byref(place), None)
for options in (b'{"objective": -1}', b'{"x": 1}', b'{"width": "wide"}'):
    refused(1, "study_plot", study, b"history", b"svg", options, ctypes.byref(place), None)
assert code("study_plot", study, b"history", b"svg", b'{"width": 5}', ctypes.byref(place), None) != 0
refused(1, "study_importances", study, b'{"objective": 7}', ctypes.byref(place))
refused(1, "study_set_attribute", study, b"odd", b"k", b"1")

# A message is its thread's own.
refused(2, "close", 0)
before = engine.message()
found = []


def elsewhere():
    found.append((engine.message(), functions["code"]()))
    functions["study_load"](store, b"nothing", None, ctypes.byref(ctypes.c_uint64()))
    found.append((engine.message(), functions["code"]()))


thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
assert found[0] == (b"", 0) and b"no study 'nothing'" in found[1][0] and engine.message() == before

# Threads that ask, tell and close what others use.
shared = [engine.make("study_create", store, b"shared%d" % i, b'{"sampler": "random"}') for i in range(4)]
codes = set()


def attack(seed):
    chance = random.Random(seed)
    mine, open_trial = ctypes.c_uint64(), 0
    told = (ctypes.c_double * 1)(chance.random())
    for _ in range(300):
        act = chance.randrange(6)
        if act == 0:
            codes.add(code("study_ask", chance.choice(shared), ctypes.byref(mine), None))
            open_trial = mine.value
        elif act == 1:
            functions["trial_suggest"](open_trial, float_x)
        elif act == 2:
            codes.add(code("trial_report", open_trial, chance.random(), chance.randrange(9)))
        elif act == 3:
            codes.add(code("trial_tell", open_trial, chance.randrange(4), told, 1, None))
        elif act == 4 and chance.random() < 0.01:
            codes.add(code("close", chance.choice(shared)))
        else:
            out = ctypes.c_void_p()
            if code("study_best", chance.choice(shared), ctypes.byref(out)) == 0:
                json.loads(ctypes.string_at(out.value))
                functions["free"](out)


threads = [threading.Thread(target=attack, args=(seed,)) for seed in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert codes <= {0, 2}, codes

# A process that was forked may not use what it inherited, and says so.
child = os.fork()
if child == 0:
    answer = functions["study_ask"](study, ctypes.byref(handle), None)
    sentence = engine.message().decode()
    os._exit(0 if answer == 3 and "forked" in sentence else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

# The same from Python's side: exceptions of Optuna's names.
s = needletail.create_study(sampler=needletail.samplers.RandomSampler())
t = s.ask()
for body, kind in (
    (lambda: t.suggest_float("\0", 0, 1), ValueError),
    (lambda: t.suggest_float("\udc80", 0, 1), ValueError),
    (lambda: t.suggest_float(7, 0, 1), TypeError),
    (lambda: t.suggest_int("n", 0, 10**30), ValueError),
    (lambda: t.suggest_categorical("c", [object()]), TypeError),
    (lambda: t.set_user_attr("k", object()), TypeError),
    (lambda: t.set_user_attr("k", [{1}]), TypeError),
    (lambda: t.set_user_attr("\0", 1), ValueError),
    (lambda: t.set_user_attr("k", "\udc80"), ValueError),
    (lambda: t.suggest_categorical("c", ["\udc80"]), ValueError),
    (lambda: t.report(1.0, 10**30), ValueError),
    (lambda: t.set_constraint("c", math.nan), ValueError),
    (lambda: s.enqueue_trial({"x": object()}), TypeError),
    (lambda: s.set_user_attr("k", object()), TypeError),
    (lambda: needletail.create_study(storage="mysql://host/name"), ValueError),
    (lambda: needletail.create_study(storage=7), TypeError),
    (lambda: needletail.create_study(sampler=7), TypeError),
    (lambda: needletail.create_study(study_name="a\0b"), ValueError),
    (lambda: needletail.samplers.NSGAIIISampler(), NotImplementedError),
    (lambda: needletail.samplers.TPESampler(gamma=len), NotImplementedError),
    (lambda: needletail.load_study(study_name="x", storage=needletail.storages.InMemoryStorage()), KeyError),
    (lambda: needletail.delete_study(study_name="x", storage="sqlite:///:memory:"), Exception),
):
    try:
        body()
    except kind as error:
        assert str(error) and "\n" not in str(error), error
    else:
        raise AssertionError(f"not refused: {body.__code__.co_consts}")
t.set_user_attr("wide", 10**40)
assert t.user_attrs["wide"] == 10**40
s.tell(t, 1.0)
for body in (lambda: t.report(1, 1), lambda: t.suggest_float("x", 0, 1), lambda: t.set_user_attr("k", 1)):
    try:
        body()
    except needletail.exceptions.UpdateFinishedTrialError:
        continue
    raise AssertionError("a trial that was told took more")
# Libraries that are not this package's.
for change, words in (
    ("_library.__version__ = '9.9.9'", "has version"),
    ("os.environ['NEEDLETAIL_LIBRARY'] = 'libc.so.6'", "another version's"),
    ("os.environ['NEEDLETAIL_LIBRARY'] = '/nowhere.so'", "cannot be opened"),
):
    program = f"import os, needletail; from needletail import _library; {change}; needletail.create_study()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "NeedletailError: the engine" in last and words in last, done.stderr

print("done")
