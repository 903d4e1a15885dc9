"""Times no-op trials of Ray Tune.

  ray_noop.py FOLDER [--trials 200] [--cpus 2]

One line of JSON, as peers.py prints them; starting Ray is not part of the time.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--trials", type=int, default=200)
parser.add_argument("--cpus", type=int, default=2)
options = parser.parse_args()
os.environ.update(RAY_AIR_NEW_OUTPUT="0", TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1", RAY_DEDUP_LOGS="0")

import ray
from ray import tune

ray.init(num_cpus=options.cpus, include_dashboard=False, logging_level="ERROR", log_to_driver=False,
         _temp_dir=options.folder)


def noop(config):
    return {"loss": (config["x"] - 1) ** 2}


start = time.perf_counter()
tuner = tune.Tuner(
    tune.with_resources(noop, {"cpu": 1}), param_space={"x": tune.uniform(-5, 5)},
    tune_config=tune.TuneConfig(num_samples=options.trials, metric="loss", mode="min"),
    run_config=tune.RunConfig(storage_path=os.path.join(options.folder, "results"), verbose=0))
results = tuner.fit()
seconds = time.perf_counter() - start
done = sum(result.error is None for result in results)
print(json.dumps({
    "bench": "workers_noop", "peer": "ray-tune", "version": ray.__version__,
    "params": {"trials": options.trials, "cpus": options.cpus}, "seconds": seconds, "n": done,
    "per_trial_ms": 1e3 * seconds / max(done, 1), "load1": os.getloadavg()[0]}), flush=True)
ray.shutdown()
