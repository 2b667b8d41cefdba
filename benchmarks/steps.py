"""One training step at a time, as in a loop of your own, beside PyTorch.

::

    python -m benchmarks.steps [--repeats 5] [--steps 2000]

The first table shows the microseconds of a step of 4-64-64-2 (ReLU, quadratic cost, Adam,
batches of 64) for each way to take one. The second times all of ``examples/dqn.py`` beside the
same agent in PyTorch. All run in turns, in one process, on one thread. The tables show medians,
and the median of the ratios to PyTorch within a round.
"""

import argparse
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import bpx
from benchmarks.machine import environment
from benchmarks.report import band, heading, table, write

__all__ = ["main"]

EXAMPLE = Path(__file__).parents[1] / "examples" / "dqn.py"
SIZES = [4, 64, 64, 2]
BATCH, ETA = 64, 1e-3
PEER = "PyTorch"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = _options(arguments)
    import torch

    torch.set_num_threads(1)
    facts = environment("numpy", "numba", "torch")
    steps = _timed(_ways(), given.repeats, lambda run: _each(run, given.steps), 1e6)
    print(heading("A step at a time, 4-64-64-2, batches of 64", facts))
    print(table(("way", "µs a step: median [min, max]", "÷ PyTorch"), _rows(steps)))
    games = _timed(_games(), given.repeats, _once, 1.0)
    print(heading("A deep Q-network of 15,000 steps", {}))
    print(table(("way", "s: median [min, max]", "÷ PyTorch"), _rows(games)))
    write(given.out, {"environment": facts, "microseconds": steps, "seconds": games})


def _ways() -> dict[str, Callable[[], Any]]:
    rng = np.random.default_rng(0)
    x = rng.random((BATCH, SIZES[0])).astype("float32")
    y = rng.random((BATCH, SIZES[-1])).astype("float32")
    settings = {"epochs": 1, "batch_size": BATCH, "optimizer": bpx.Adam(ETA)}
    trainer = bpx.Trainer(_network(), optimizer=bpx.Adam(ETA))
    of_train, of_fit = _network(), _network()
    return {
        PEER: _by_torch(x, y),
        "NumPy by hand": _by_hand(x, y),
        "Trainer.step": lambda: trainer.step(x, y),
        "next(bpx.train(...))": lambda: next(bpx.train(of_train, (x, y), **settings)),
        "fit(epochs=1)": lambda: of_fit.fit(x, y, **settings),
    }


def _network() -> bpx.Network:
    return bpx.Network(SIZES, hidden="relu", output="identity", seed=0, backend="numpy")


def _by_hand(x: Any, y: Any) -> Callable[[], None]:
    """The same equations without the library: the cost of bpx's generality."""
    arrays = [each.copy() for each in (*_network().weights, *_network().biases)]
    m, v = ([np.zeros_like(each) for each in arrays] for _ in range(2))
    count, depth = [0], len(SIZES) - 1

    def step() -> None:
        w, b, a = arrays[:depth], arrays[depth:], [x]
        for i in range(depth):
            z = a[-1] @ w[i].T + b[i]
            a.append(np.maximum(z, 0.0) if i < depth - 1 else z)
        delta, gradients = (a[-1] - y) / len(x), [None] * (2 * depth)
        for i in reversed(range(depth)):
            gradients[i], gradients[depth + i] = delta.T @ a[i], delta.sum(axis=0)
            delta = (delta @ w[i]) * (a[i] > 0.0)
        count[0] += 1
        t = count[0]
        rate = ETA * (1.0 - 0.999**t) ** 0.5 / (1.0 - 0.9**t)
        for p, g, m_p, v_p in zip(arrays, gradients, m, v, strict=True):
            m_p += 0.1 * (g - m_p)
            v_p += 0.001 * (g * g - v_p)
            p -= rate * m_p / (np.sqrt(v_p) + 1e-8)

    return step


def _by_torch(x: Any, y: Any) -> Callable[[], None]:
    import torch

    net = _torch_network()
    optimizer = torch.optim.Adam(net.parameters(), ETA)

    def step() -> None:
        _torch_step(optimizer, net(torch.from_numpy(x)), torch.from_numpy(y))

    return step


def _torch_network() -> Any:
    from torch import nn

    layers = [nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)]
    return nn.Sequential(*layers)


def _torch_step(optimizer: Any, a: Any, y: Any) -> None:
    loss = 0.5 * ((a - y) ** 2).sum(dim=-1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class TorchAgent:
    """The agent of ``examples/dqn.py``, written in PyTorch."""

    def __init__(self, seed: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.torch, self.net, self.older = torch, _torch_network(), _torch_network()
        self.optimizer = torch.optim.Adam(self.net.parameters(), ETA)

    def q(self, s: Any) -> Any:
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(s)).numpy()

    def learn(self, *batch: Any) -> None:
        s, a, following, fell = map(self.torch.from_numpy, batch)
        with self.torch.no_grad():
            best = self.older(following).max(dim=1).values
        y = 1.0 + 0.99 * best * (1.0 - fell)
        taken = self.net(s).gather(1, a[:, None])
        _torch_step(self.optimizer, taken, y[:, None])

    def keep(self) -> None:
        self.older.load_state_dict(self.net.state_dict())


def _games() -> dict[str, Callable[[], Any]]:
    dqn = runpy.run_path(str(EXAMPLE))
    return {
        PEER: lambda: dqn["play"](TorchAgent(0), 0),
        "bpx.Trainer": lambda: dqn["play"](dqn["Agent"](0), 0),
    }


def _once(run: Callable[[], Any]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


def _each(run: Callable[[], Any], steps: int) -> float:
    return _once(lambda: [run() for _ in range(steps)]) / steps


def _timed(
    ways: Mapping[str, Callable[[], Any]],
    repeats: int,
    clock: Callable[[Callable[[], Any]], float],
    unit: float,
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run()
    for turn in range(repeats):
        order = list(ways)
        Random(turn).shuffle(order)
        for name in order:
            times[name].append(unit * clock(ways[name]))
    return times


def _rows(times: Mapping[str, list[float]]) -> list[tuple[str, str, str]]:
    peer = times[PEER]
    return [
        (name, band(each), f"{median(x / y for x, y in zip(each, peer, strict=True)):.2f}")
        for name, each in times.items()
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.steps", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, default=2000, help="number of consecutive steps to time"
    )
    parser.add_argument("--out", type=Path, help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
