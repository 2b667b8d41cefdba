"""Kill trainings at random moments, and at every system call of a checkpoint; continue them.

::

    python -m tools.kill [--backends NAMES] [--count N] [--calls N] [--seed N]

Each child process trains a small network with a checkpoint folder, and gets SIGKILL at a
random moment. The run is then continued. Its weights, the state of its optimizer, its records
and its end must equal those of a run that nobody disturbed, bit for bit, without a warning.
Three trainings take turns: see `settings`. On Linux, ``ptrace`` also stops a child at each
system call with which it writes the files at the end of an epoch, and kills it there. Without
options, NumPy gets 200 random kills; numba, PyTorch, JAX, and NumPy on a ``bpx.data.stream``,
get 50 each, and every system call its own. This takes some minutes.

SIGKILL loses no data that the system has not written to the disk yet; a loss of power does.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from logging import Handler, LogRecord, getLogger
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from tools import tracing

__all__ = ["main"]

BACKENDS = {  # how many random kills, and what each process is told
    "numpy": (200, {"BPX_NUMBA": "off"}),
    "numba": (50, {"BPX_NUMBA": "on"}),
    "torch": (50, {}),
    "jax": (50, {}),
    "stream": (50, {"BPX_NUMBA": "off"}),  # NumPy on a bpx.data.stream
}
_NAMES = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
ONE_THREAD = dict.fromkeys(_NAMES, "1")
EVERY = ("5 steps", "1 epoch", "0.02 s")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""A folder in memory, where writing takes no time: SIGKILL needs no disk."""
LIMIT = 1800.0
"""The seconds after which a backend's kills are given up."""


class Outcome(NamedTuple):
    """All that two runs must have in common."""

    arrays: list[tuple[str, bytes]]
    records: list[Any]
    stopped: Any


class Heard(Handler):
    """The warnings of bpx: a killed run must be continued without one."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: LogRecord) -> None:
        """Keep the message."""
        self.messages.append(record.getMessage())


def settings(every: str, x: Any, y: Any, weight: Any) -> dict[str, Any]:
    """The training that writes its checkpoints so often."""
    import bpx

    if every == "5 steps":  # averages, a rate that follows the cost, chunks, an early end
        rate = bpx.optim.reduce_on_plateau(0.1, patience=0, factor=0.5)
        rule = bpx.optim.chain(bpx.Adam(rate), bpx.optim.average_parameters(0.9))
        return {
            "optimizer": rule, "accumulate": 2, "validation_split": 0.3, "epochs": 9,
            "early_stopping": bpx.EarlyStopping(1, warmup=1),
        }  # fmt: skip
    if every == "1 epoch":  # a schedule, and the weights of samples
        rate = bpx.optim.warmup_cosine(0.01, warmup=20, steps=78)
        return {
            "optimizer": bpx.AdamW(rate), "epochs": 3, "validation": (x[:50], y[:50]),
            "sample_weight": weight,
        }  # fmt: skip
    momentum = bpx.SGD(0.1, momentum=0.9)  # an end that a callback asks for
    ends = [lambda epoch: epoch.number == 3]
    return {"optimizer": momentum, "epochs": 5, "callbacks": ends, "drop_last": True}


def start(backend: str, folder: Path | None, every: str = "1 epoch") -> Any:
    """Begin or continue the training that is killed; without a folder, nothing is written."""
    import numpy as np

    import bpx

    rng = np.random.default_rng(7)
    x, y, weight = rng.random((101, 6)), rng.integers(0, 3, 101), rng.random(101)
    names = {"numba": "numpy", "stream": "numpy", "torch": "torch:cpu", "jax": "jax:cpu"}
    name = names.get(backend, backend)
    net = bpx.Network(
        [6, 8, 3], hidden="tanh", output="softmax", cost="cross_entropy", dropout=0.1,
        feedback="kp", seed=0, backend=name,
    )  # fmt: skip
    kept: dict[str, Any] = (
        {} if folder is None else {"checkpoint": folder, "every": every, "resume": True}
    )
    data: Any = (x, y)
    how = settings(every, x, y, weight)
    if backend == "stream":  # which has its own weights, and no part that can be split off
        data = bpx.data.stream(x, y, sample_weight=weight, block=7, window=20)
        how = {k: v for k, v in how.items() if k not in ("sample_weight", "validation_split")}
        how["validation"] = bpx.data.stream(x[:50], y[:50], block=7)
    return bpx.train(net, data, batch_size=4, lmbda=0.1, seed=3, **how, **kept)


def shorten() -> None:
    """Make the chunks of this process short, so that there are many moments between them."""
    from bpx.training import chunks

    chunks.CHUNK_SECONDS, chunks.SUM_STEPS = 0.0, 8


def outcome(training: Any) -> Outcome:
    """Train to the end; return all that must be the same in every run."""
    import bpx
    from bpx.program.contract import named_leaves

    records = [each._replace(seconds=0.0, samples_per_second=0.0) for each in training.finish()]
    network = training.network  # which may have averages, or the weights of another epoch
    leaves = [*named_leaves(training.state.arrays), *named_leaves(network.parameters, "public")]
    arrays = [(name, bpx.to_host(x).tobytes()) for name, x in leaves]
    told = [(*each, dict(each.observed)) for each in records]
    return Outcome(arrays, told, training.stopped)


def check(backend: str, folder: Path, expected: Outcome, every: str) -> str | None:
    """Continue a killed run; return what is wrong with it, or None."""
    heard = Heard()
    getLogger("bpx").addHandler(heard)
    try:
        found = outcome(start(backend, folder, every))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        getLogger("bpx").removeHandler(heard)
    if heard.messages:
        return f"a warning: {heard.messages[0]}"
    if found.records != expected.records:
        return "other records"
    if found.stopped != expected.stopped:
        return f"it ended otherwise: {found.stopped}, not {expected.stopped}"
    wrong = [a[0] for a, b in zip(found.arrays, expected.arrays, strict=True) if a != b]
    left = [each.name for each in folder.rglob("*.bpx-part")]
    return f"other bits in {wrong[0]}" if wrong else f"{left[0]} remains" if left else None


def forked(work: Callable[[], None]) -> int:
    """Do some work in a copy of this process."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def begun(backend: str, folder: Path, every: str) -> Callable[[], None]:
    """Start a child that trains; return what kills it."""
    if backend != "jax":  # whose threads no fork survives
        child = forked(lambda: outcome(start(backend, folder, every)) and None)

        def kill() -> None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

        return kill
    words = [sys.executable, "-m", "tools.kill", "--train", backend, str(folder), every]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it has imported everything

    def end() -> None:
        process.kill()
        process.communicate()

    return end


def random_kills(backend: str, count: int, seed: int) -> Iterator[str | None]:
    """Kill and continue that many runs; yield what is wrong with each."""
    expected = {every: outcome(start(backend, None, every)) for every in EVERY}
    draw = random.Random(seed)
    longest: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        for every in EVERY:
            began = monotonic()
            wrong = check(backend, Path(place, every), expected[every], every)
            longest[every] = monotonic() - began
            if wrong:
                yield f"undisturbed, every {every}: {wrong}"
        slower = 4.0 if backend == "jax" else 1.2  # it compiles anew in each child
        for i in range(count):
            every, folder = EVERY[i % len(EVERY)], Path(place, str(i))
            moment = draw.uniform(0.0, slower * longest[every])
            kill = begun(backend, folder, every)
            sleep(moment)
            kill()
            wrong = check(backend, folder, expected[every], every)
            yield f"kill {i} after {moment:.3f} s, every {every}: {wrong}" if wrong else None
            shutil.rmtree(folder, ignore_errors=True)


def system_calls(most: int | None) -> Iterator[str | None]:
    """Kill a child at each system call at the end of an epoch; yield what is wrong."""
    backend, every = "numpy", "1 epoch"
    expected = outcome(start(backend, None))
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        before = Path(place, "before")
        first = start(backend, before, every)
        next(first)
        next(first)  # the checkpoint of the first epoch is written before the second
        first.close()
        calls = _stopped_at(shutil.copytree(before, Path(place, "whole")), None)
        chosen = (
            range(calls) if most is None else range(calls // most // 2, calls, calls // most)
        )
        for call in chosen:
            folder = shutil.copytree(before, Path(place, str(call)))
            _stopped_at(folder, call)
            wrong = check(backend, folder, expected, every)
            yield f"system call {call} of {calls}: {wrong}" if wrong else None
            shutil.rmtree(folder)


def _stopped_at(folder: Path, call: int | None) -> int:
    """Kill a child at its system call with that number, from 0; return how many it reached."""
    from bpx.network.resuming.keeping import Keeping

    def work() -> None:
        recorded, write = Keeping.recorded, Keeping._write

        def traced(self: Any, epoch: Any) -> None:
            tracing.trace_me()
            recorded(self, epoch)

        def written(self: Any, place: Any) -> bool:
            write(self, place)
            os._exit(0)

        Keeping.recorded, Keeping._write = traced, written  # type: ignore[method-assign]
        outcome(start("numpy", folder, "1 epoch"))

    return tracing.killed_at(forked(work), call)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    if options.train:
        backend, folder, every = options.train
        shorten()
        training = start(backend, Path(folder), every)
        print("ready", flush=True)
        outcome(training)
        return 0
    if options.one:
        return _one(options)
    if not hasattr(signal, "SIGKILL") or not hasattr(os, "fork"):
        print("skipped: this system has no SIGKILL, or no fork")
        return 0
    words = [f"--seed={options.seed}", f"--calls={options.calls}"]
    status = 0
    for backend in options.backends.split(","):
        count, environment = BACKENDS[backend]
        count = count if options.count is None else options.count
        command = [sys.executable, "-m", "tools.kill", "--one", backend, f"--count={count}"]
        ran = subprocess.run(
            [*command, *words], env={**os.environ, **ONE_THREAD, **environment}, timeout=LIMIT
        )
        status = status or ran.returncode
    return status


def _one(options: argparse.Namespace) -> int:
    """The kills of one backend, in a process with its environment."""
    shorten()
    backend, began, wrong = options.one, monotonic(), 0
    kinds = [("random moments", random_kills(backend, options.count, options.seed))]
    if backend == "numpy" and options.calls != 0:
        if why := tracing.problem():
            print(f"skipped: kills at system calls ({why})")
        else:
            most = None if options.calls < 0 else options.calls
            kinds.append(("system calls", system_calls(most)))
    for kind, found in kinds:
        killed = 0
        for said in found:
            killed += 1
            if said:
                wrong += 1
                print(f"{backend}: {said}", flush=True)
        print(f"{backend}: {killed} kills at {kind}, {monotonic() - began:.0f} s", flush=True)
    return int(wrong > 0)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.kill", description=__doc__)
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--count", type=int, help="random kills for each backend")
    parser.add_argument("--calls", type=int, default=-1, help="system calls; -1: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
