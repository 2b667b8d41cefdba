"""The workers of a search: this process, or several, each of which asks for trials."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import sleep

import click

import bpx
from bpx.cli.processes import forwarding, noted, sharing_cores
from bpx.cli.tuning.alive import worker
from bpx.cli.tuning.search import Search
from bpx.cli.tuning.study import TRIES, Result, Study
from bpx.cli.tuning.trial import run

__all__ = ["FILE", "spread", "work"]

FILE = "search.toml"
_SECONDS = 0.05
_REFUSED = (1, 2)


def work(
    study: Study,
    search: Search,
    folder: Path,
    train: click.Command,
    tell: Callable[[Result], None],
) -> None:
    """Run trials until there are enough, and tell of each that has ended.

    Raises
    ------
    Preempted
        If a signal asks this process to end; between two trials it ends at once.
    """
    with worker(folder) as name, noted() as asked:
        while not asked and (trial := study.next(name)) is not None:
            if asked:
                study.release(trial)
                break
            run(trial, study, search, train)
            (result,) = (each for each in study.results() if each.number == trial.number)
            tell(result)
        if asked:
            raise bpx.Preempted("the search was asked to end", str(folder))


def spread(search: Search, folder: Path, workers: int, *, quiet: bool) -> None:
    """Let processes of this machine run trials until there are enough.

    One that dies loses its trial, which the next one goes on with.

    Raises
    ------
    KeyboardInterrupt, Preempted
        If they were asked to end.
    InputError
        If one ends with an error of its own.
    """
    words = [sys.executable, "-m", "bpx.cli", "tune", str(folder / FILE), "--out", str(folder)]
    words += ["--trials", str(search.trials), "--worker", *(["--quiet"] if quiet else [])]
    environment = sharing_cores(workers)

    processes: list[subprocess.Popen[bytes]] = []
    codes: list[int] = []
    with forwarding(processes) as asked:

        def start() -> None:
            """Start one, unless they are asked to end, be it meanwhile."""
            if asked:
                return
            processes.append(subprocess.Popen(words, env=environment))
            for number in asked:
                processes[-1].send_signal(number)

        for _ in range(workers):
            start()
        while processes:
            sleep(_SECONDS)
            ended = [each for each in processes if each.poll() is not None]
            for each in ended:
                processes.remove(each)
                codes.append(each.returncode)
                if not _died(each.returncode) or asked:
                    continue
                click.echo(
                    f"a worker died ({_how(each.returncode)}); another one starts", err=True
                )
                if sum(map(_died, codes)) < TRIES * search.trials:
                    start()
    _judge(codes, asked, folder)


def _died(code: int) -> bool:
    return code not in (0, *_REFUSED)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _judge(codes: list[int], asked: list[int], folder: Path) -> None:
    if signal.SIGINT in asked:
        raise KeyboardInterrupt
    if asked:
        raise bpx.Preempted("the search was asked to end", str(folder))
    if any(code in _REFUSED for code in codes):
        raise bpx.InputError(
            "a worker ended with the error above; mend what it names, and give the same "
            "command again"
        )
