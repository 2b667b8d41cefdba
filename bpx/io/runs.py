"""The folder of a run: its checkpoints, each a folder of three files that vouch for each other.

``checkpoints/000007/`` holds ``model.safetensors``, ``optimizer.safetensors`` and
``state.json``, which has the SHA-256 of all three. A checkpoint is complete as soon as it has
that name, and is never changed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bpx.errors import FileFormatError
from bpx.io.folders import discard, new_folder, sweep, sync, write_file
from bpx.io.parsing import parsed_json

__all__ = [
    "CHECKPOINTS",
    "HISTORY",
    "LINES",
    "MODEL",
    "OPTIMIZER",
    "SETTINGS",
    "STATE",
    "Content",
    "Run",
]

SETTINGS, HISTORY, LINES = "run.toml", "history.csv", "history.jsonl"
CHECKPOINTS, MODEL, OPTIMIZER, STATE = (
    "checkpoints",
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
)
_FORMAT = 2
_READ = (1, 2)
"""The formats that can be read. In format 1, ``state.json`` has the arrays of observers."""
_SHA = "sha256"


class Content(NamedTuple):
    """The three files of a checkpoint.

    Attributes
    ----------
    model, optimizer : bytes
    state : mapping of str to JSON values
    """

    model: bytes
    optimizer: bytes
    state: Mapping[str, Any]


class Run:
    """The files of a run.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / CHECKPOINTS

    def make(self) -> None:
        """Make the folders, if they are missing, on the disk."""
        new = [each for each in (self.path, *self.path.parents) if not each.exists()]
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        for folder in (self.path, *(each.parent for each in new)):
            with suppress(OSError):  # one that cannot be read, such as that of another user
                sync(folder)

    def sweep(self) -> None:
        """Remove what killed processes left; only the holder of the folder's lock may."""
        sweep(self.path)
        sweep(self.checkpoints)

    def numbers(self) -> list[int]:
        """Return the numbers of the checkpoints, the newest first; some may be damaged."""
        names = [each.name for each in self.checkpoints.glob("*")]
        return sorted((int(n) for n in names if re.fullmatch(r"\d{6,12}", n)), reverse=True)

    def place(self, number: int) -> Path:
        """Return the folder of a checkpoint."""
        return self.checkpoints / f"{number:06d}"

    def write(self, number: int, content: Content) -> None:
        """Write a checkpoint: all of it, on the disk, or nothing.

        Raises
        ------
        OSError
        """
        state = {"format": _FORMAT, **content.state}
        sums = {
            MODEL: hashlib.sha256(content.model).hexdigest(),
            OPTIMIZER: hashlib.sha256(content.optimizer).hexdigest(),
            STATE: _of_state(state),
        }
        with new_folder(self.place(number)) as folder:
            write_file(folder / MODEL, content.model)
            write_file(folder / OPTIMIZER, content.optimizer)
            text = json.dumps({**state, _SHA: sums}, indent=1)
            write_file(folder / STATE, text.encode())

    def read(self, number: int) -> dict[str, Any]:
        """Return the state of a checkpoint, after checking that all its files are whole.

        Raises
        ------
        FileFormatError
            If one is not; the message says which, and how.
        """
        folder = self.place(number)
        try:
            state = parsed_json(_bytes(folder / STATE))
            sums = state.pop(_SHA)
            told = {name: str(sums[name]) for name in (MODEL, OPTIMIZER, STATE)}
        except FileFormatError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileFormatError(f"{STATE} is damaged") from error
        if told[STATE] != _of_state(state):
            raise FileFormatError(f"{STATE} is damaged: its contents have another SHA-256")
        if state.get("format") not in _READ:
            raise FileFormatError(
                f"it has the format {state.get('format')!r} of another version of bpx; this "
                f"one reads {' and '.join(map(str, _READ))}"
            )
        for name in (MODEL, OPTIMIZER):
            if hashlib.sha256(_bytes(folder / name)).hexdigest() != told[name]:
                raise FileFormatError(f"{name} is damaged: it has another SHA-256")
        found: dict[str, Any] = state
        return found

    def remove(self, number: int) -> None:
        """Remove a checkpoint."""
        discard(self.place(number))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path.name} cannot be read: {error.strerror or error}"
        ) from error


def _of_state(state: Mapping[str, Any]) -> str:
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
