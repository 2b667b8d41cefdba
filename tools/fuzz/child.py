"""Reading changed files in a process of their own, which is watched."""

import faulthandler
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import numpy as np

from bpx.errors import BpxError
from tools.fuzz.formats import FORMATS, Format

__all__ = ["HANG", "MOST", "made", "outcome", "read_all"]

HANG = 20.0
"""The seconds after which a file counts as one that hangs."""
MOST = 64 * 2**20
"""The bytes that a file may take beside ten times its own size."""
_CODE = ("exec", "marshal.loads", "pickle.find_class")
_OUTSIDE = (
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen"),
    *("socket.connect", "ctypes.dlopen", "shutil.rmtree"),
)


class _Guard:
    """Notices code that runs because of a file."""

    def __init__(self) -> None:
        self.armed, self.seen = False, ""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, _: Any) -> None:
        if not self.armed or event not in (*_CODE, *_OUTSIDE):
            return
        if event in _CODE and _is_import(sys._getframe(1)):
            return
        self.seen = self.seen or event


def _is_import(frame: FrameType | None) -> bool:
    """Whether a module of Python is being imported, which compiles and runs its own code."""
    while frame is not None:
        if "importlib._bootstrap" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def made(of: Format, seeds: list[bytes], seed: int, index: int) -> bytes:
    """Return a changed file; the same for the same numbers."""
    draw = Random(f"{seed} {index}")
    return of.change(draw, draw.choice(seeds), seeds)


def read_all(name: str, seed: int, start: int, stop: int, folder: Path) -> None:
    """Read the files with these numbers; print the outcome of each."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    of, guard = FORMATS[name], _Guard()
    seeds = of.seeds(folder)
    for content in seeds:
        outcome(of, content, folder, most=2**40)  # import and reserve what reading needs
        if (told := outcome(of, content, folder)) != "read":
            raise SystemExit(f"a valid file is not read: {told}")
    print("ready", flush=True)
    for index in range(start, stop):
        content = made(of, seeds, seed, index)
        guard.armed, guard.seen = True, ""
        told = outcome(of, content, folder)
        guard.armed = False
        told = f"wrong: it ran {guard.seen}" if guard.seen else told
        print(f"{index} {told}", flush=True)


def outcome(of: Format, content: bytes, folder: Path, most: int = MOST) -> str:
    """Read one file; return "read", "refused: ..." or "wrong: ..."."""
    path = folder / "file"
    path.write_bytes(content)
    faulthandler.dump_traceback_later(HANG, exit=True)
    try:
        with _limited(10 * len(content) + most):
            of.read(path, folder)
    except BpxError as error:
        return f"refused: {type(error).__name__}"
    except BaseException as error:
        said = " ".join(str(error).split())[:200]
        return f"wrong: {type(error).__name__}: {said} {_where(error)}"
    finally:
        faulthandler.cancel_dump_traceback_later()
    return "read"


def _where(error: BaseException) -> str:
    """Return the last lines of the traceback within bpx."""
    places, at = [], error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{at.tb_lineno}")
        at = at.tb_next
    return " < ".join(reversed(places[-4:]))


@contextmanager
def _limited(more: int) -> Iterator[None]:
    """Let the process take so many more bytes of address space, and no more."""
    if not os.path.exists("/proc/self/statm"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
