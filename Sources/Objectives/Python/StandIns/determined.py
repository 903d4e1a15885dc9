"""A stand-in for Determined's module: its Core API inside trials.

Metrics are reported at their `steps_completed`, `preempt.should_preempt()` is true when the pruner wants
the trial to end, and checkpoints are folders that all attempts at the trial share. A study file names
this with `stand_ins: [determined]`. What it does not know is the installed package's.
"""

import contextlib
import json
import os
import shutil
import uuid

from needletail_stand_in import (
    Installed, Settings, checkpoint_folder, flat, folder, nested, parameters, report, should_stop, study_name,
    tell_pruned, trial_number,
)

__version__ = "0.38.1"
_installed = Installed("determined")


def _hyperparameters():
    text = os.environ.get("DET_HPARAMS")
    if text:
        return json.loads(text)
    return {name: value for name, value in nested(parameters()).items() if "." not in name}


def _latest():
    try:
        with open(os.path.join(checkpoint_folder(), "determined-latest"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def get_cluster_info():
    """What a task on the cluster is told, of this trial."""
    seed = int(os.environ.get("NEEDLETAIL_SEED", "0"))
    return Settings(
        task_type="TRIAL", cluster_id="needletail", master_url="", session_token="", container_addrs=["127.0.0.1"],
        container_rank=0, gpu_uuids=[], latest_checkpoint=_latest(), task_id=str(trial_number()), slot_ids=[],
        trial=Settings(
            hparams=_hyperparameters(), trial_id=trial_number(), experiment_id=study_name(), trial_seed=seed,
            _config={}),
        user_data={},
    )


def _line(values, step):
    # As the Core API off the cluster logs it, which the runner reads.
    return "report_validation_metrics(steps_completed=%d, metrics=%r)" % (step or 0, values)


class Train:
    """Takes the metrics."""

    def report_validation_metrics(self, steps_completed, metrics):
        report(flat(metrics), steps_completed, asks=_Preempt.is_asked, say=_line)

    def report_training_metrics(self, steps_completed, metrics, batch_metrics=None):
        report({"training.%s" % name: value for name, value in flat(metrics).items()}, say=_line)

    def report_metrics(self, group, steps_completed, metrics):
        if group == "validation":
            self.report_validation_metrics(steps_completed, metrics)
        else:
            report({"%s.%s" % (group, name): value for name, value in flat(metrics).items()}, say=_line)

    def report_progress(self, progress):
        return None

    def report_early_exit(self, reason):
        return None

    def upload_tensorboard_files(self, *arguments, **named):
        return None

    def set_status(self, status):
        return None

    def get_tensorboard_path(self):
        from pathlib import Path

        return Path(folder("tensorboard"))

    def get_experiment_best_validation(self):
        return None


class _Preempt:
    """Says when the trial is to end."""

    #: Programs that never ask are told by a signal.
    is_asked = False

    def start(self):
        _Preempt.is_asked = True
        return self

    def close(self):
        return None

    def should_preempt(self, auto_ack=True):
        _Preempt.is_asked = True
        if should_stop():
            tell_pruned()
            return True
        return False

    def acknowledge_preemption_signal(self):
        return None


class _Operation:
    def __init__(self, searcher):
        self._searcher = searcher
        self.length = searcher.length

    def report_progress(self, length):
        return None

    def report_completed(self, searcher_metric):
        self._searcher._is_done = True


class _Searcher:
    _is_done = False

    @property
    def length(self):
        given = os.environ.get("NEEDLETAIL_DET_LENGTH") or _hyperparameters().get("max_length")
        return int(given or 1)

    def operations(self, *arguments, **named):
        while not self._is_done:
            before = _Operation(self)
            yield before
            self._is_done = True

    def get_configured_units(self):
        return None


class _Checkpoint:
    """Keeps folders under names of their own."""

    def _place(self, storage_id):
        return os.path.join(checkpoint_folder(), "determined", os.path.basename(storage_id))

    def _finish(self, storage_id, metadata):
        with open(os.path.join(self._place(storage_id), "metadata.json"), "w", encoding="utf-8") as file:
            json.dump(metadata or {}, file, default=str)
        base = checkpoint_folder()
        with open(os.path.join(base, ".determined-latest"), "w", encoding="utf-8") as file:
            file.write(storage_id)
        os.replace(os.path.join(base, ".determined-latest"), os.path.join(base, "determined-latest"))

    @contextlib.contextmanager
    def store_path(self, metadata=None, *, shard=False):
        from pathlib import Path

        storage_id = str(uuid.uuid4())
        os.makedirs(self._place(storage_id))
        yield Path(self._place(storage_id)), storage_id
        self._finish(storage_id, metadata)

    def upload(self, ckpt_dir, metadata=None, *, shard=False, selector=None):
        storage_id = str(uuid.uuid4())
        shutil.copytree(ckpt_dir, self._place(storage_id))
        self._finish(storage_id, metadata)
        return storage_id

    @contextlib.contextmanager
    def restore_path(self, storage_id, *arguments, **named):
        from pathlib import Path

        yield Path(self._place(storage_id))

    def download(self, storage_id, ckpt_dir, *arguments, **named):
        shutil.copytree(self._place(storage_id), ckpt_dir, dirs_exist_ok=True)

    def get_metadata(self, storage_id):
        with open(os.path.join(self._place(storage_id), "metadata.json"), encoding="utf-8") as file:
            return json.load(file)

    def delete(self, storage_id, globs=None):
        shutil.rmtree(self._place(storage_id))


class DummyDistributedContext:
    """One process."""

    rank = local_rank = cross_rank = 0
    size = local_size = cross_size = 1

    def gather(self, stuff):
        return [stuff]

    allgather = gather_local = allgather_local = gather

    def broadcast(self, stuff):
        return stuff

    broadcast_local = broadcast

    def get_rank(self):
        return 0

    get_local_rank = get_rank

    def get_size(self):
        return 1

    def close(self):
        return None


class Context:
    """What `core.init` returns."""

    def __init__(self, distributed=None):
        self.distributed = distributed or DummyDistributedContext()
        self.train, self.preempt, self.searcher = Train(), _Preempt(), _Searcher()
        self.checkpoint, self.info, self.profiler = _Checkpoint(), get_cluster_info(), Settings(on=lambda *_, **__: None, off=lambda: None)

    def start(self):
        return self

    def close(self, *arguments):
        return None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return False


def init(*, distributed=None, **named):
    """The Core API of this trial."""
    return Context(distributed)


class _Modes:
    ChiefOnly = WorkersAskChief = WorkersAskMaster = "chief"


class _Reasons:
    INVALID_HP = "EXITED_REASON_INVALID_HP"
    ERRORED = "EXITED_REASON_ERRORED"


core = _installed.module(
    "core", Context=Context, DummyDistributedContext=DummyDistributedContext, EarlyExitReason=_Reasons,
    PreemptMode=_Modes, init=init,
)


def __getattr__(name):
    return _installed.attribute(name)
