"""Other rules than BP2 beside backpropagation, over seeds, on MNIST.

T. Lillicrap et al. (2016) and A. Nøkland (2016) report that errors sent back through fixed
random matrices, from layer to layer or straight from the output, train nearly as well as
those of backpropagation, because the direction that a rule gives moves to within 90 degrees of
the true gradient. This benchmark trains 784-800-800-10 with tanh, softmax and cross-entropy by
each rule, from the same weights and with the same settings. It shows the median, the minimum
and the maximum over the seeds of the last epoch's test accuracy, the distance of that median
from backpropagation's, and the largest of the hidden layers' angles before training, after one
epoch, and at the end.

::

    python -m benchmarks.feedback --data FOLDER [--rules transpose,fa,dfa] [--seeds 3]

It prints each row, and writes it to ``--out``, as soon as it is done.
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import bpx
from benchmarks.machine import environment
from benchmarks.report import aligned, band, heading, line, write
from bpx.data import Dataset

__all__ = ["SETTING", "Result", "Setting", "main", "train"]

LOOKED_AT = 1000
"""The number of training images, from the first, on which the angles are measured."""
WITHIN = 0.5
"""How far, in points of test accuracy, a rule may be from backpropagation."""


class Setting(NamedTuple):
    """How the networks are made and trained: epochs at one learning rate after another."""

    hidden: tuple[int, ...] = (800, 800)
    batch_size: int = 128
    phases: tuple[tuple[float, int], ...] = ((1e-3, 8), (1e-4, 4))


SETTING = Setting()

HEAD = (
    "rule",
    "test %: median [min, max]",
    "points from BP2",
    "angle at first",
    "after one epoch",
    "at the end",
    "seeds",
    "s / epoch",
)


class Result(NamedTuple):
    """One run.

    Attributes
    ----------
    seed : int
    curve : list of float
        The test accuracy after each epoch, in percent.
    angles : list of list of float
        The angle of each hidden layer in degrees, before training and after each epoch.
    seconds : float
        The median epoch's.
    """

    seed: int
    curve: list[float]
    angles: list[list[float]]
    seconds: float


def train(rule: str, data: Dataset, seed: int, backend: str, setting: Setting) -> Result:
    """One run of a rule."""
    network = bpx.Network(
        [data.train.x.shape[1], *setting.hidden, 10],
        hidden="tanh",
        output="softmax",
        cost="cross_entropy",
        feedback=rule,
        seed=seed,
        backend=backend,
    )
    angles, curve, seconds = [hidden_angles(network, data)], [], []
    for eta, epochs in setting.phases:
        for epoch in bpx.train(
            network,
            data.train,
            epochs=epochs,
            batch_size=setting.batch_size,
            optimizer=bpx.Adam(eta),
            validation=data.test,
            seed=seed,
        ):
            curve.append(_percent(epoch.validation))
            angles.append(hidden_angles(network, data))
            seconds.append(epoch.seconds)
    return Result(seed, curve, angles, median(seconds))


def hidden_angles(network: bpx.Network, data: Dataset) -> list[float]:
    """The angle between a hidden layer's direction under the rule and the true gradient."""
    samples = data.train.x[:LOOKED_AT], data.train.y[:LOOKED_AT]
    x, y = bpx.move_to(*samples, like=network.weights[0])
    trace = network.backprop(x, y)
    found = bpx.inspect.gradient_alignment(network.spec, network.parameters, trace)
    angles: list[float] = bpx.to_host(found.angle).tolist()
    return angles[:-1]


def cells(rule: str, results: Sequence[Result], plain: Sequence[Result]) -> tuple[Any, ...]:
    """A row of the table, compared with backpropagation."""
    last = [each.curve[-1] for each in results]
    away = f"{median(last) - median([each.curve[-1] for each in plain]):+.2f}"
    at = [band([max(each.angles[i]) for each in results], 1) for i in (0, 1, -1)]
    pace = f"{median([each.seconds for each in results]):.1f}"
    return rule, band(last, 2), away, *at, len(results), pace


def main(arguments: Sequence[str] | None = None, setting: Setting = SETTING) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", options.backend.partition(":")[0])
    results: dict[str, Any] = {"environment": facts, "backend": options.backend, "rules": {}}
    data = bpx.data.load("mnist", folder=options.data)
    print(heading(f"Other rules than BP2, on {options.backend}", facts))
    print(line(HEAD), aligned(len(HEAD)), sep="\n", flush=True)
    plain: list[Result] = []
    for rule in dict.fromkeys(["transpose", *options.rules.split(",")]):
        found = [
            train(rule, data, seed, options.backend, setting) for seed in range(options.seeds)
        ]
        plain = plain or found
        print(line(cells(rule, found, plain)), flush=True)
        results["rules"][rule] = [each._asdict() for each in found]
        write(options.out, results)
    print(f"\nTargets: within {WITHIN} points, and angles below 90 degrees after one epoch.")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.feedback", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the folder with MNIST's four files"
    )
    parser.add_argument(
        "--rules",
        default="fa,dfa",
        metavar="NAME,NAME",
        help="rules beside transpose; fa,dfa by default",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of seeds, from 0; 3 by default"
    )
    parser.add_argument(
        "--backend", default=_fastest(), help="default: jax if installed, else numpy"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


def _percent(evaluation: Any) -> float:
    return 100.0 * evaluation.accuracy


def _fastest() -> str:
    return "jax" if find_spec("jax") else "numpy"


if __name__ == "__main__":
    main()
