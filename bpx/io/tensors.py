"""Read and write safetensors files: atomic writes, and errors that say what is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors import numpy as safetensors

from bpx._files import write_atomically
from bpx.arrays.transfer import to_host
from bpx.errors import FileFormatError, InputError, MissingFileError

__all__ = ["arrays", "opened", "packed", "write"]


def packed(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return the contents of a file with named arrays of any library, and metadata."""
    stored = {  # safetensors mangles strides
        name: np.array(to_host(array), order="C") for name, array in arrays.items()
    }
    content: bytes = safetensors.save(stored, dict(metadata))
    return content


def write(path: str | Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write named arrays of any library, and metadata, to `path` atomically."""
    content = packed(arrays, metadata)
    with write_atomically(path) as file:
        file.write(content)


def arrays(file: Any) -> dict[str, Any]:
    """Return the arrays of an open file, on the host."""
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@contextmanager
def opened(path: Path, writer: str) -> Iterator[Any]:
    """Open a safetensors file for reading.

    Parameters
    ----------
    path : Path
    writer : str
        The function that should have written it, for messages.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    FileFormatError
        If it is truncated, or not a safetensors file.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no file {path}; expected one that {writer} wrote")
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except InputError:  # raised in the block
        raise
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        hint = ": bpx.from_onnx reads ONNX models" if path.suffix.lower() == ".onnx" else ""
        raise FileFormatError(
            f"{path} is truncated or not a safetensors file ({error}); expected one that "
            f"{writer} wrote{hint}"
        ) from error
