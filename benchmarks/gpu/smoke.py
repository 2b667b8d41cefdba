"""A smoke test of each library: does it compute, does it train as NumPy does, how fast.

``python -m benchmarks.gpu.smoke FILE [--dry-run]`` writes an outcome after each check, and goes
on. A library that is not installed is skipped; an installed library that does not work has
failed.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import bpx
from benchmarks.cases import CASES, Case, network, optimizer, problem
from benchmarks.gpu.outcomes import Outcome, write
from benchmarks.gpu.tiny import TINY

__all__ = ["Check", "checks", "look", "main"]

Check = tuple[str, Callable[[], dict[str, Any]]]
"""Its name, and a function that returns its results."""

ON_A_GPU, ON_A_CPU = ("cupy", "torch:cuda", "jax:gpu"), ("numpy", "torch:cpu", "jax:cpu")
COMPARED, TIMED = 40, 25_600
"""The number of steps that are compared, and of samples in an epoch that is timed."""
WITHIN = {"float32": 1e-3, "tf32": 2e-2, "float16": 2e-2, "bfloat16": 5e-2}
"""How close the weights must be to NumPy's, relative to their norm."""


class NotInstalledError(Exception):
    """The library is not installed."""


def checks(dry: bool) -> Iterator[Check]:
    """All checks, in order; a dry run uses CPU backends and tiny sizes."""
    cases = TINY if dry else CASES
    for backend in ON_A_CPU if dry else ON_A_GPU:
        yield f"{backend} computes", partial(computes, backend)
        for name in ("S", "M"):
            for precision in WITHIN if backend == "cupy" else ("float32",):
                about = f"{backend} trains {name} in {precision}"
                yield about, partial(trains, backend, cases[name], precision)


def computes(backend: str) -> dict[str, Any]:
    """Some functions of the standard, which keep float32."""
    _check_installed(backend)
    x = bpx.asarray(np.ones((3, 4)), backend, dtype="float32")
    xp = bpx.namespace(x)
    for y in (xp.maximum(x, 0.0), xp.where(x > 0, x, 0.0), 0.5 * x, x.mT @ x, xp.exp(-x)):
        if y.dtype != x.dtype:
            raise ArithmeticError(f"float32 became {y.dtype}")
    product = bpx.to_host(x @ x.mT)
    if not (product == 4.0).all():
        raise ArithmeticError(f"a product of ones gave {product.tolist()}")
    return {}


def trains(backend: str, case: Case, precision: str) -> dict[str, Any]:
    """Train some steps beside NumPy's, time one step, and report what the engine made of it."""
    _check_installed(backend)
    short = case._replace(samples=COMPARED * case.batch)
    ours, exact = (_weights(each, short, precision) for each in (backend, "numpy"))
    pairs = zip(ours, exact, strict=True)
    off = max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)
    if not off <= WITHIN[precision]:
        asked = f"the limit is {WITHIN[precision]}"
        raise ArithmeticError(f"the weights are off by {off:.2g} of NumPy's; {asked}")
    return {"off": f"{off:.1e}"} | _timed(backend, case, precision)


def _epochs(net: bpx.Network, case: Case, precision: str, epochs: int) -> Iterator[bpx.Epoch]:
    numbers = problem(case)
    chosen = {"precision": precision} if precision != "float32" else {}
    return bpx.train(
        net, (numbers.x, numbers.y), epochs=epochs, batch_size=case.batch,
        optimizer=optimizer(case), seed=0, **chosen,
    )  # fmt: skip


def _weights(backend: str, case: Case, precision: str) -> list[np.ndarray]:
    net = network(case, 0, backend)
    asked = "float32" if backend == "numpy" else precision
    for _ in _epochs(net, case, asked, 1):
        pass
    return [bpx.to_host(each).astype(np.float64) for each in (*net.weights, *net.biases)]


def _timed(backend: str, case: Case, precision: str) -> dict[str, Any]:
    case = case.lasting(min(TIMED, 600 * case.batch) if backend in ON_A_GPU else case.samples)
    net, times, engine = network(case, 0, backend), [], {}
    began = perf_counter()
    for _ in _epochs(net, case, precision, 5):
        times.append(perf_counter() - began)
        engine = _engine(backend, precision)  # its memory goes when the training ends
        began = perf_counter()
    return {"us a step": f"{1e6 * min(times) / case.steps:.1f}"} | engine


def _engine(backend: str, precision: str) -> dict[str, Any]:
    """Whether CuPy's steps are captured, in graphs of how many steps, and of how many items."""
    if backend != "cupy":
        return {}
    replays = import_module("bpx_backends._cupy")._engines[precision]._replays.values()
    replay = next(reversed(replays))
    return {
        "captured": replay.machine.captures,
        "graphs": sorted(replay.graphs),
        "items": len(replay.machine.schedule.items),
    }


def _check_installed(backend: str) -> None:
    package = backend.partition(":")[0]  # it has the backend's name
    if find_spec(package) is None:
        raise NotInstalledError(f"{package} is not installed")


def look(check: Check) -> Outcome:
    """The outcome of a check."""
    name, found = check
    try:
        return Outcome(name, "passed", found=found())
    except NotInstalledError as why:
        return Outcome(name, "skipped", str(why))
    except Exception as why:  # the next check runs, whatever this one raised
        return Outcome(name, "failed", f"{type(why).__name__}: {why}"[:300])


def main() -> None:
    """Run all checks."""
    path, *options = sys.argv[1:]
    for check in checks("--dry-run" in options):
        outcome = look(check)
        write(Path(path), outcome)
        print(*outcome, flush=True)


if __name__ == "__main__":
    main()
