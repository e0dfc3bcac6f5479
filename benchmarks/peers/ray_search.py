"""A search by Ray Tune around a PyTorch loop: `python ray_search.py DATA.npz CONFIGURATIONS.json`.

Needs ray[tune], torch and numpy. The trials are those of search_loop.py. A trial has one core, and as many run at a
time as there are cores. After each epoch it reports its negative log-likelihood on the validation pictures to
ASHAScheduler (grace period 1, reduction factor 4), and after the last one also its accuracies, so that no weights
need be written. Workers are used again for the next trial, the pictures lie in Ray's store of objects, and there is
no dashboard. One JSON line at the end, whose `seconds` are those of the search without imports.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from search_loop import MODELS, Course, Parts, accuracy, parts_of


def trained(given: Mapping[str, Any], course: Course, parts: Parts) -> None:
    """One trial, in a worker."""
    torch.set_num_threads(1)
    for epoch, (nll, model) in enumerate(course.train(given["number"], given["chosen"], parts), 1):
        last = epoch == course.epochs
        shares = {part: accuracy(model, *parts[part]) for part in ("validation", "test")} if last else {}
        tune.report({"nll": nll, **shares})


def run(choices: argparse.Namespace, folder: str) -> dict[str, Any]:
    """The whole search."""
    course = Course(choices.model, choices.width, choices.epochs, choices.seed, choices.plain)
    listed = json.loads(Path(choices.configurations).read_text(encoding="utf-8"))
    given = [{"number": number, "chosen": chosen} for number, chosen in enumerate(listed)]
    one = tune.with_parameters(lambda own, parts: trained(own["given"], course, parts), parts=parts_of(choices.data))
    tuner = tune.Tuner(
        tune.with_resources(one, {"cpu": 1}),
        param_space={"given": tune.grid_search(given)},
        tune_config=tune.TuneConfig(
            metric="nll",
            mode="min",
            scheduler=ASHAScheduler(max_t=choices.epochs, grace_period=1, reduction_factor=4),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    )
    trials = [result.metrics for result in tuner.fit()]
    best = min((one for one in trials if "test" in one), key=lambda one: one["nll"])
    return {
        **{name: best[name] for name in ("nll", "validation", "test")},
        "chosen": best["config"]["given"]["number"],
        "epochs": sum(one["training_iteration"] for one in trials),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("configurations")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--model", choices=MODELS, default="small_cnn")
    parser.add_argument("--width", type=int, default=32, help="hidden units of an mlp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="the plain loop; see search_loop.py")
    parser.add_argument("--cores", type=int, default=2)
    choices = parser.parse_args()
    began = time.perf_counter()
    ray.init(num_cpus=choices.cores, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        found = run(choices, folder)
    print(json.dumps({**found, "seconds": round(time.perf_counter() - began, 3)}), flush=True)


if __name__ == "__main__":
    main()
