"""Disturb trainings on several ranks: kill one, fill its disk, let it fail, or let it wait.

::

    python -m tools.faults [--kinds NAMES] [--count N] [--ranks N] [--seed N]

Each job trains a small network under MPI, with a checkpoint folder. At a moment that the seed
draws,

- ``kill``: one rank gets SIGKILL;
- ``raise``: one rank raises an error: where it reads data, adds gradients, speaks with the
  others, evaluates, or publishes weights;
- ``term``: the job gets SIGTERM, as a batch system sends it;
- ``full``: rank 0 can write no more, as on a full disk;
- ``slow``: one rank waits, again and again.

No job may take longer than 30 seconds. One that dies must end with an exit code other than 0
and, if a rank raised, with its message and its number. Continued, it must come to the weights,
the optimizer's state and the records of a job that nobody disturbed, bit for bit; a job that
survives must do so by itself. Without options each kind gets 50 jobs, some minutes each.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bpx.io.runs import CHECKPOINTS
from tools.kill import EVERY, MEMORY, ONE_THREAD, outcome, shorten, start

__all__ = ["main"]

KINDS = ("kill", "raise", "term", "full", "slow")
STAGES = ("data", "add", "speak", "evaluate", "publish")
PROMPT = 30.0
"""The seconds within which any job must end."""
_MESSAGE = "this rank fails on purpose"


class Job:
    """A training on several ranks, in processes of their own."""

    def __init__(self, ranks: int, place: Path) -> None:
        self.ranks, self.place = ranks, place
        beside = Path(sys.executable).with_name("mpiexec")
        self._mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"

    def begin(self, folder: Path, every: str, fault: Any = None) -> "subprocess.Popen[str]":
        """Start it, with a fault that it brings upon itself."""
        words = [sys.executable, "-m", "tools.faults", "--train", str(folder), every]
        return subprocess.Popen(
            [
                self._mpiexec,
                "-n",
                str(self.ranks),
                *words,
                json.dumps(fault),
                self.told(folder),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **ONE_THREAD, "BPX_NUMBA": "off"},
        )

    def told(self, folder: Path) -> str:
        """Return the file in which it says what it came to."""
        return f"{folder}.json"

    def result(self, folder: Path, every: str) -> str | None:
        """Begin or continue it undisturbed; return what it came to."""
        process = self.begin(folder, every)
        try:
            output, _ = process.communicate(timeout=PROMPT)
        except subprocess.TimeoutExpired:
            process.kill()
            return "it hangs when it is continued"
        path = Path(self.told(folder))
        if process.returncode or not path.exists():
            return f"it cannot be continued: {output}"
        return path.read_text(encoding="utf-8")


def disturbed(
    job: Job, kind: str, folder: Path, every: str, draw: random.Random, usual: float
) -> str | None:
    """Run a job with a fault; return what is wrong with how it ends, or None."""
    rank, moment = draw.randrange(job.ranks), draw.uniform(0.3, 1.0) * usual
    own: dict[str, Any] = {"kind": kind, "rank": rank, "seed": draw.randrange(10**6)}
    began = monotonic()
    process = job.begin(folder, every, None if kind in ("kill", "term") else own)
    if kind in ("kill", "term"):
        sleep(moment)
        if process.poll() is None and (pid := _process_of(folder, rank)):
            with suppress(ProcessLookupError):  # it has ended
                if kind == "term":
                    process.send_signal(signal.SIGTERM)
                else:
                    os.kill(pid, signal.SIGKILL)
                _happened(folder).touch()
    try:
        output, _ = process.communicate(timeout=PROMPT)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"it hangs after {kind} in rank {rank}"
    code, seconds = process.returncode, monotonic() - began
    ended = Path(job.told(folder)).exists()
    if seconds > PROMPT:
        return f"it took {seconds:.0f} s"
    if kind == "raise" and not ended and f"rank {rank} of {job.ranks} ended all" not in output:
        return f"no message of rank {rank}: {output[-500:]}"
    if kind in ("full", "slow") and not ended:
        return f"it did not survive: {output[-500:]}"
    if kind == "term" and not ended and code != 75:
        begun = (
            any((folder / CHECKPOINTS).iterdir()) if (folder / CHECKPOINTS).exists() else False
        )
        return f"the exit code is {code}: {output[-500:]}" if begun else None
    return "it died with the exit code 0" if code == 0 and not ended else None


def _happened(folder: Path) -> Path:
    """Return the file that says that a job was disturbed."""
    return folder.with_suffix(".fault")


def _process_of(folder: Path, rank: int) -> int | None:
    path = folder.with_suffix(f".{rank}")
    return int(path.read_text()) if path.exists() and path.read_text() else None


def jobs(kind: str, count: int, ranks: int, seed: int) -> Iterator[tuple[str | None, bool]]:
    """Disturb that many jobs; yield what is wrong with each, and whether a fault happened."""
    draw = random.Random(f"{kind} {seed}")
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        job, expected, usual = Job(ranks, Path(place)), dict[str, Any](), 0.0
        for every in EVERY:
            began = monotonic()
            expected[every] = job.result(Path(place, every.replace(" ", "")), every)
            usual = monotonic() - began
        for i in range(count):
            every, folder = EVERY[i % len(EVERY)], Path(place, str(i))
            wrong = disturbed(job, kind, folder, every, draw, usual)
            path = Path(job.told(folder))
            found = path.read_text(encoding="utf-8") if path.exists() else None
            found = found or (wrong or job.result(folder, every))
            if wrong is None and found != expected[every]:
                wrong = f"it comes to something else, every {every}: {found}"
            yield f"{kind} {i}: {wrong}" if wrong else None, _happened(folder).exists()
            shutil.rmtree(folder, ignore_errors=True)


# In the ranks


def train(folder: Path, every: str, fault: Any, told: Path) -> None:
    """Train on one of several ranks; the first one tells what it came to."""
    from bpx_backends.ranks.mpi import Mpi, world

    rank = world("numpy").rank
    folder.with_suffix(f".{rank}").write_text(str(os.getpid()))
    shorten()
    os.environ["BPX_RANKS"] = "mpi"
    mine = fault is not None and (fault["kind"] == "full" or fault["rank"] == rank)
    if mine:
        _DISTURB[fault["kind"]](random.Random(fault["seed"]), rank, Mpi, _happened(folder))
    found = outcome(start("numpy", folder, every))
    _unlimited()
    if rank == 0:
        digest = sha256(repr(found).encode()).hexdigest()
        told.write_text(json.dumps({"bits": digest, "epochs": len(found.records)}))


def _after(count: int, owner: Any, name: str, act: Callable[[], None], told: Path) -> None:
    """Let a method of a class act at its call of that number, before it does its work."""
    method, calls = getattr(owner, name), [0]

    def counted(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] >= count:
            if calls[0] == count:
                told.touch()
            act()
        return method(*given, **named)

    setattr(owner, name, counted)


def _raise(draw: random.Random, rank: int, ranks: Any, told: Path) -> None:
    from bpx import Network
    from bpx.training import batches, loop

    def fail() -> None:
        raise OSError(_MESSAGE)

    owner, name, most = {
        "data": (batches.Shuffled, "_stretches", 3),
        "add": (ranks, "all_reduce", 60),
        "speak": (ranks, "gather", 120),
        "evaluate": (loop, "evaluated", 3),
        "publish": (Network, "publish", 3),
    }[draw.choice(STAGES)]
    _after(draw.randint(1, most), owner, name, fail, told)


def _fill(draw: random.Random, rank: int, ranks: Any, told: Path) -> None:
    import resource

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))

    if rank == 0:
        _after(draw.randint(1, 60), ranks, "all_reduce", fill, told)


def _unlimited() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _wait(draw: random.Random, rank: int, ranks: Any, told: Path) -> None:
    def wait() -> None:
        sleep(draw.uniform(0.0, 0.05))

    _after(draw.randint(1, 30), ranks, "all_reduce", wait, told)


_DISTURB = {"raise": _raise, "full": _fill, "slow": _wait}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    if options.train:
        folder, every, fault, told = options.train
        train(Path(folder), every, json.loads(fault), Path(told))
        return 0
    wrong = 0
    for kind in options.kinds.split(","):
        began = monotonic()
        found = list(jobs(kind, options.count, options.ranks, options.seed))
        for said in (each for each, _ in found if each):
            wrong += 1
            print(said, flush=True)
        disturbed_ones, seconds = sum(happened for _, happened in found), monotonic() - began
        print(f"{kind}: {len(found)} jobs, {disturbed_ones} disturbed, {seconds:.0f} s")
    return int(wrong > 0)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--count", type=int, default=50, help="jobs of each kind")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
