"""The cost of privacy: DP-SGD on MNIST, over seeds.

This benchmark trains a network of one hidden layer of 128 tanh units by `bpx.privacy.DPSGD`,
with the noise for a target epsilon, and without privacy. Bounded hidden units train better with
clipped gradients (N. Papernot et al., "Tempered sigmoid activations for deep learning with
differential privacy", 2021). The table shows the median, the minimum and the maximum of the
test accuracy after the last epoch, the epsilon of the last record, the seconds of training, and
the share of them that drew the samples and the noise.

::

    python -m benchmarks.privacy --data FOLDER [--rows epsilon-3] [--seeds 3]

The seed draws the weights. The noise comes from the operating system, so no run can be
repeated. Epsilon does not count the trials that found the settings.
"""

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import bpx
from benchmarks.machine import environment
from benchmarks.report import aligned, band, heading, line, number, write
from bpx.data import Dataset

__all__ = ["ROWS", "Result", "Row", "chosen", "main", "train"]

DELTA = 1e-5


class Row(NamedTuple):
    """One setting: [784, hidden, 10], tanh and softmax with cross-entropy, SGD.

    Attributes
    ----------
    name : str
        Its name for ``--rows``.
    epsilon : float or None
        The target; None without privacy.
    eta, epochs, batch_size, clip, hidden
        The setting.
    """

    name: str
    epsilon: float | None
    eta: float
    epochs: int
    batch_size: int = 2048
    clip: float = 1.0
    hidden: int = 128


ROWS = (
    Row("epsilon-3", 3.0, 8.0, 40),
    Row("epsilon-1", 1.0, 8.0, 20),
    Row("no privacy", None, 0.5, 20, batch_size=128),
)

HEAD = (
    "setting",
    "test accuracy: median [min, max]",
    "epsilon",
    "sigma",
    "seeds",
    "s",
    "noise",
)


class Result(NamedTuple):
    """One run.

    Attributes
    ----------
    seed : int
        The seed of the weights.
    accuracy : float
        On the test samples, after the last epoch, in percent.
    epsilon, sigma : float or None
        The epsilon of the last record, at a delta of 1e-5, and the noise multiplier.
    seconds, noise : float
        The seconds of training, and those of them that drew the samples and the noise.
    """

    seed: int
    accuracy: float
    epsilon: float | None
    sigma: float | None
    seconds: float
    noise: float


def train(row: Row, data: Dataset, seed: int, backend: str) -> Result:
    """One run of a setting."""
    network = bpx.Network(
        [data.train.x.shape[1], row.hidden, 10],
        hidden="tanh",
        output="softmax",
        cost="cross_entropy",
        seed=seed,
        backend=backend,
    )
    history = network.fit(
        *data.train,
        epochs=row.epochs,
        batch_size=row.batch_size,
        optimizer=bpx.SGD(row.eta),
        privacy=privacy(row, len(data.train.x)),
    )
    spent = [epoch.privacy for epoch in history if epoch.privacy]
    return Result(
        seed,
        100.0 * (network.evaluate(*data.test).accuracy or 0.0),
        spent[-1].epsilon if spent else None,
        spent[-1].mechanisms[0].noise_multiplier if spent else None,
        sum(epoch.seconds for epoch in history),
        sum(each.seconds for each in spent),
    )


@cache
def privacy(row: Row, n: int) -> bpx.privacy.DPSGD | None:
    """The private training run that spends the row's epsilon on n samples."""
    if row.epsilon is None:
        return None
    sigma = bpx.privacy.noise_for(
        row.epsilon,
        DELTA,
        sampling_rate=row.batch_size / n,
        steps=row.epochs * max(1, round(n / row.batch_size)),
    )
    return bpx.privacy.DPSGD(noise_multiplier=sigma, clip=row.clip, delta=DELTA)


def cells(row: Row, results: Sequence[Result]) -> tuple[Any, ...]:
    """A row of the table."""
    one, seconds = results[0], [r.seconds for r in results]
    private = [f"{x:.2f}" if x else "" for x in (one.epsilon, one.sigma)]
    share = median([r.noise / r.seconds for r in results])
    accuracy = band([r.accuracy for r in results], 2)
    return row.name, accuracy, *private, len(results), number(median(seconds)), f"{share:.0%}"


def chosen(names: str | None) -> tuple[Row, ...]:
    """The rows with these names, separated by commas; all rows for None."""
    by_name = {row.name: row for row in ROWS}
    unknown = [name for name in (names or "").split(",") if name and name not in by_name]
    if unknown:
        raise SystemExit(f"no row {', '.join(unknown)}; known: {', '.join(by_name)}")
    return tuple(by_name[name] for name in names.split(",")) if names else ROWS


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", "dp-accounting", options.backend.partition(":")[0])
    results: dict[str, Any] = {"environment": facts, "backend": options.backend, "rows": {}}
    print(heading(f"MNIST by DP-SGD, delta {DELTA:g}, on {options.backend}", facts))
    print(line(HEAD), aligned(len(HEAD)), sep="\n", flush=True)
    for row in chosen(options.rows):
        data = _mnist(options.data)
        found = [train(row, data, seed, options.backend) for seed in range(options.seeds)]
        print(line(cells(row, found)), flush=True)
        results["rows"][row.name] = row._asdict() | {"runs": [r._asdict() for r in found]}
        write(options.out, results)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.privacy", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the folder with MNIST's four files"
    )
    parser.add_argument("--rows", metavar="NAME,NAME", help="settings to train; all by default")
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of seeds, from 0; 3 by default"
    )
    parser.add_argument("--backend", default="numpy", help="numpy by default")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


@cache
def _mnist(folder: Path | None) -> Dataset:
    return bpx.data.load("mnist", folder=folder)


if __name__ == "__main__":
    main()
