"""Starting a job of several ranks, judging how it ended, and beginning it again."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import click

import bpx
from bpx.cli.processes import forwarding, sharing_cores
from bpx.cli.ranks import FINISHED, FOLDER, NOTES, REFUSED
from bpx.io.runs import Run
from bpx.training.parallel.choice import VARIABLE
from bpx_backends import is_installed

__all__ = ["run"]


def run(
    command: Sequence[str],
    ranks: int,
    known: Sequence[str],
    *,
    restarts: int = 0,
    mpiexec: str | None = None,
) -> None:
    """Run a command on so many ranks, and exit with its exit code if that is not 0.

    Parameters
    ----------
    command : sequence of str
        A command of bpx, without the word bpx; or ``python``, a script, and its words.
    ranks : int
    known : sequence of str
        The commands of bpx that ranks can run.
    restarts : int, optional
        How often to begin again.
    mpiexec : str, optional
        The launcher and its first words.

    Raises
    ------
    InputError
        If there is no such command, or no launcher.
    """
    program = _program(command, known)
    launcher = [*_launcher(mpiexec), "-n", str(ranks)]
    environment = _environment(ranks)
    for attempt in range(restarts + 1):
        with TemporaryDirectory(prefix="bpx-launch-") as notes:
            code, asked = _ran([*launcher, *program], {**environment, NOTES: notes})
            if Path(notes, FINISHED).exists() and code == 0:
                return
            refused = Path(notes, REFUSED).exists() or code == 2
            folder = _folder(notes)
        if asked or refused or attempt == restarts:
            _give_up(code, refused=refused or bool(asked))
        if folder is not None:
            program = [*_BPX, "resume", folder, *(["--quiet"] if "--quiet" in program else [])]
        click.echo(
            f"the job ended with the exit code {code}; restart {attempt + 1} of {restarts}: "
            f"{shlex.join(_shown(program))}",
            err=True,
        )


_BPX = [sys.executable, "-m", "bpx.cli"]


def _program(command: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return what each rank runs."""
    first, *words = command
    if first == "bpx":
        raise bpx.InputError(
            f"{shlex.join(command)} was given; expected it without the word bpx"
        )
    if first in ("python", "python3"):
        if not words or words[0].startswith("-") or not Path(words[0]).is_file():
            raise bpx.InputError(
                f"{shlex.join(command)} was given; expected python and the path of a script"
            )
        return [sys.executable, "-m", "bpx.cli.script", *words]
    if first not in known:
        names = ", ".join(known)
        raise bpx.InputError(
            f"{first!r} is no command that bpx launch runs; expected one of {names}, or python "
            "and a script"
        )
    return [*_BPX, *command]


def _launcher(given: str | None) -> list[str]:
    if given:
        return shlex.split(given)
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None or not is_installed("mpi4py"):
        missing = "mpi4py, which is not installed" if found else "mpiexec, which is not here"
        raise bpx.InputError(
            f"bpx launch needs {missing}; install both with: pip install mpi4py mpich"
        )
    return [found]


def _environment(ranks: int) -> dict[str, str]:
    """Return the environment of the ranks, which share the cores of this machine."""
    found = sharing_cores(ranks)
    found.setdefault(VARIABLE, "mpi")
    return found


def _ran(words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, int | None]:
    """Run a program; return its exit code, and the signal that was passed on to it."""
    try:
        process = subprocess.Popen(words, env=dict(environment))
    except OSError as error:
        raise bpx.InputError(
            f"{words[0]} cannot be started: {error.strerror}; expected an MPI launcher"
        ) from error
    with forwarding([process]) as asked:
        code = process.wait()
    return code, asked[0] if asked else None


def _folder(notes: str) -> str | None:
    """Return the run's folder, if it has a checkpoint to continue from."""
    path = Path(notes, FOLDER)
    if not path.exists():
        return None
    folder = path.read_text(encoding="utf-8")
    return folder if Run(Path(folder)).numbers() else None


def _shown(program: Sequence[str]) -> list[str]:
    return ["bpx", *program[3:]] if list(program[:3]) == _BPX else ["python", *program[3:]]


def _give_up(code: int, *, refused: bool) -> NoReturn:
    if code == 0:
        raise click.ClickException(
            "the job ended without an error, but not all of its processes came to their end"
        )
    if not refused:
        click.echo(f"the job ended with the exit code {code}", err=True)
    sys.exit(code if 0 < code < 256 else 1)
