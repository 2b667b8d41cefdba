"""Disturb trainings on several ranks: kill one, fill its disk, let it fail, or let it wait.

::

    python -m tools.faults [--kinds NAMES] [--count N] [--ranks N] [--seed N]

Each job trains a small network under MPI, with a checkpoint folder. At a moment that the seed
draws, in messages of one rank and milliseconds after that,

- ``kill``: one rank gets SIGKILL;
- ``raise``: one rank raises an error: where it reads data or a stream, records a step, adds
  gradients, speaks with the others, evaluates, publishes weights, calls a callback, or writes a
  checkpoint;
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
from typing import Any, NamedTuple

from tools.kill import EVERY, MEMORY, ONE_THREAD, outcome, shorten, start

__all__ = ["main"]

KINDS = ("kill", "raise", "term", "full", "slow")
DATA = ("numpy", "stream")
STAGES = (
    "data", "record", "add", "speak", "evaluate", "publish", "callback", "checkpoint",
)  # fmt: skip
FIRST = ("callback", "checkpoint")
"""The stages of rank 0 alone."""
EVERYWHERE = ("callback", "data")
"""The stages whose error is raised on every rank."""
PROMPT = 30.0
"""The seconds within which any job must end."""
_MESSAGE = "this rank fails on purpose"


class Work(NamedTuple):
    """What is trained: on what data, and with which of the settings of `tools.kill`."""

    data: str
    every: str


class Job:
    """A training on several ranks, in processes of their own."""

    def __init__(self, ranks: int, place: Path) -> None:
        self.ranks, self.place = ranks, place
        beside = Path(sys.executable).with_name("mpiexec")
        self._mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"

    def begin(self, folder: Path, work: Work, fault: Any = None) -> "subprocess.Popen[str]":
        """Start it, with a fault that it brings upon itself."""
        words = [sys.executable, "-m", "tools.faults", "--train", str(folder), *work]
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

    def result(self, folder: Path, work: Work) -> str | None:
        """Begin or continue it undisturbed; return what it came to."""
        process = self.begin(folder, work)
        try:
            output, _ = process.communicate(timeout=PROMPT)
        except subprocess.TimeoutExpired:
            process.kill()
            return "it hangs when it is continued"
        path = Path(self.told(folder))
        if process.returncode or not path.exists():
            return f"it cannot be continued: {output}"
        return path.read_text(encoding="utf-8")


def disturbed(job: Job, kind: str, folder: Path, work: Work, draw: random.Random) -> str | None:
    """Run a job with a fault; return what is wrong with how it ends, or None."""
    rank, late = draw.randrange(job.ranks), draw.uniform(0.0, 0.02)
    stage = draw.choice(STAGES)
    if kind == "raise" and stage in FIRST:
        rank = 0
    own = {"kind": kind, "rank": rank, "stage": stage, "seed": draw.randrange(10**6)}
    began = monotonic()
    process = job.begin(folder, work, own)
    if kind in ("kill", "term") and _reached(process, _happened(folder)):
        sleep(late)
        with suppress(ProcessLookupError):  # it has ended meanwhile
            if kind == "term":
                process.send_signal(signal.SIGTERM)
            else:
                os.kill(int(_happened(folder).read_text()), signal.SIGKILL)
    try:
        output, _ = process.communicate(timeout=PROMPT)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"it hangs after {kind} in rank {rank}"
    code, seconds = process.returncode, monotonic() - began
    ended = Path(job.told(folder)).exists()
    if seconds > PROMPT:
        return f"it took {seconds:.0f} s"
    if kind == "raise" and not ended and (wrong := _untold(output, stage, rank, job.ranks)):
        return f"{wrong} after an error in {stage}: {output[-500:]}"
    if kind in ("full", "slow") and not ended:
        return f"it did not survive: {output[-500:]}"
    if kind == "term" and not ended and code != 75:
        return f"the exit code is {code}: {output[-500:]}"
    return "it died with the exit code 0" if code == 0 and not ended else None


def _untold(output: str, stage: str, rank: int, ranks: int) -> str | None:
    """Return what is missing in what a job says of an error."""
    if f"OSError: {_MESSAGE}" not in output:
        return "the error is not told"
    if stage in EVERYWHERE:
        told = output.count(f"OSError: {_MESSAGE}")
        return "the error that all ranks raise is told more than once" if told > 1 else None
    named = f"rank {rank} of {ranks} ended all" in output
    return None if named else f"rank {rank} is not named"


def _reached(process: "subprocess.Popen[str]", told: Path) -> bool:
    """Wait until a rank tells that its moment has come; return whether it does."""
    end = monotonic() + PROMPT
    while not told.exists() and process.poll() is None and monotonic() < end:
        sleep(0.001)
    return told.exists()


def _happened(folder: Path) -> Path:
    """Return the file with the process that was disturbed, or is to be."""
    return folder.with_suffix(".fault")


def jobs(kind: str, count: int, ranks: int, seed: int) -> Iterator[tuple[str | None, bool]]:
    """Disturb that many jobs; yield what is wrong with each, and whether a fault happened."""
    draw = random.Random(f"{kind} {seed}")
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        job, expected = Job(ranks, Path(place)), dict[Work, Any]()
        for i in range(count):
            work, folder = Work(DATA[i % len(DATA)], EVERY[i % len(EVERY)]), Path(place, str(i))
            if work not in expected:
                expected[work] = job.result(Path(place, f"expected {i}"), work)
                _check_result(expected[work])
            wrong = disturbed(job, kind, folder, work, draw)
            path = Path(job.told(folder))
            found = path.read_text(encoding="utf-8") if path.exists() else None
            found = found or (wrong or job.result(folder, work))
            if wrong is None and found != expected[work]:
                other = _difference(str(found), expected[work])
                wrong = f"it comes to something else, {' every '.join(work)}: {other}"
            yield f"{kind} {i}: {wrong}" if wrong else None, _happened(folder).exists()
            shutil.rmtree(folder, ignore_errors=True)


def _check_result(found: str) -> None:
    """Refuse to compare with an undisturbed job that has failed."""
    try:
        json.loads(found)
    except json.JSONDecodeError:
        raise SystemExit(f"an undisturbed job has failed: {found}") from None


def _difference(found: str, expected: str) -> str:
    """Return what differs between two results; words, where a job told none."""
    try:
        one, other = json.loads(found), json.loads(expected)
    except json.JSONDecodeError:
        return f"{found}, not {expected}"
    return ", ".join(
        f"{name}: {one[what][name]}, not {other[what].get(name)}"
        for what in ("bits", "records")
        for name in one[what]
        if one[what][name] != other[what].get(name)
    )


# In the ranks


def train(folder: Path, work: Work, fault: Any, told: Path) -> None:
    """Train on one of several ranks; the first one tells what it came to."""
    from bpx.training.parallel.ending import attend
    from bpx_backends.ranks.mpi import Mpi, world

    ranks = world("numpy")
    attend(ranks)  # what fails before the training must end all, too
    signal.signal(signal.SIGTERM, lambda *_: None)  # before and after it, nobody minds
    rank = ranks.rank
    shorten()
    os.environ["BPX_RANKS"] = "mpi"
    mine = fault is not None and (fault["kind"] == "full" or fault["rank"] == rank)
    if mine:
        draw, happened = random.Random(fault["seed"]), _happened(folder)
        _DISTURB[fault["kind"]](draw, _stage(fault["stage"], work), rank, Mpi, happened)
    found = outcome(start(work.data, folder, work.every))
    _unlimited()
    if rank == 0:
        bits = {name: sha256(x).hexdigest()[:12] for name, x in found.arrays}
        records = {str(i): repr(each) for i, each in enumerate(found.records, 1)}
        told.write_text(json.dumps({"bits": bits, "records": records}))


def _after(count: int, owner: Any, name: str, act: Callable[[], None], told: Path) -> None:
    """Let a method of a class act at its call of that number, before it does its work."""
    method, calls = getattr(owner, name), [0]

    def counted(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] >= count:
            if calls[0] == count:
                _tell(told)
            act()
        return method(*given, **named)

    setattr(owner, name, counted)


def _stage(stage: str, work: Work) -> str:
    return "read" if (stage, work.data) == ("data", "stream") else stage


def _tell(told: Path) -> None:
    """Write the number of this process in one go."""
    part = told.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.replace(told)


def _signalled(draw: random.Random, stage: str, rank: int, ranks: Any, told: Path) -> None:
    """Tell the moment at which this process, or the job, is to get a signal."""
    _after(draw.randint(1, 200), ranks, "gather", lambda: None, told)


def _raise(draw: random.Random, stage: str, rank: int, ranks: Any, told: Path) -> None:
    from bpx import Network
    from bpx.data.streams.windows import Buffer
    from bpx.network.resuming.keeping import Keeping
    from bpx.training import attached, batches
    from bpx.training.loop import Loop
    from bpx_backends.engines.numpy import engine

    def fail() -> None:
        raise OSError(_MESSAGE)

    owner, name, most = {
        "data": (batches.Shuffled, "_stretches", 3),
        "read": (Buffer, "fill", 20),
        "record": (engine, "prepare", 1),
        "add": (ranks, "all_reduce", 60),
        "speak": (ranks, "gather", 120),
        "evaluate": (Loop, "_validated", 3),
        "publish": (Network, "publish", 3),
        "callback": (attached.Attached, "_any_asks", 3),
        "checkpoint": (Keeping, "_write", 3),
    }[stage]
    _after(draw.randint(1, most), owner, name, fail, told)


def _fill(draw: random.Random, stage: str, rank: int, ranks: Any, told: Path) -> None:
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


def _wait(draw: random.Random, stage: str, rank: int, ranks: Any, told: Path) -> None:
    def wait() -> None:
        sleep(draw.uniform(0.0, 0.05))

    _after(draw.randint(1, 30), ranks, "all_reduce", wait, told)


_DISTURB = {
    "kill": _signalled,
    "term": _signalled,
    "raise": _raise,
    "full": _fill,
    "slow": _wait,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    if options.train:
        folder, data, every, fault, told = options.train
        train(Path(folder), Work(data, every), json.loads(fault), Path(told))
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
    parser.add_argument("--train", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
