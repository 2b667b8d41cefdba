"""`TensorBoard`: a callback that writes each record for TensorBoard, through tensorboardX."""

from os import urandom
from pathlib import Path
from typing import Any

from bpx._files import expanded
from bpx.errors import InputError
from bpx.training.records import Epoch
from bpx.training.rows import row

__all__ = ["TensorBoard"]


class TensorBoard:
    """Write the numbers of each record for TensorBoard: a callback of `bpx.train`.

    Each number is a scalar with the name that it has in `CSVLog`, by the epoch; ``tensorboard
    --logdir FOLDER`` shows them. Several runs in folders beside one another are shown together.
    It needs ``pip install tensorboardX``; TensorBoard itself, and TensorFlow, are not needed.

    Parameters
    ----------
    folder : str or Path
        The folder of the run, which is made. If it has events already, these are kept.

    Raises
    ------
    InputError
        If tensorboardX is not installed, or the folder is a file or cannot be written.

    Notes
    -----
    tensorboardX writes from a thread of its own. bpx closes the file when training ends, also
    by an exception.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self._writer = expanded(folder), None
        there = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        if not there.is_dir():
            raise InputError(f"{there} is a file; expected a folder, or one that can be made")
        _package()

    def __call__(self, epoch: Epoch) -> None:
        """Write the record of an epoch."""
        if self._writer is None:
            # tensorboardX names files by the second, and would overwrite one of this second.
            suffix = f".{urandom(4).hex()}"
            try:
                self._writer = _package().SummaryWriter(
                    str(self.folder), filename_suffix=suffix
                )
            except OSError as error:
                raise InputError(
                    f"{self.folder} cannot be written: {error.strerror or error}; expected a "
                    "folder that you can write to"
                ) from error
        writer: Any = self._writer
        for name, value in row(epoch).items():
            if name != "epoch" and value is not None:
                writer.add_scalar(name, value, epoch.number)
        writer.flush()

    def close(self) -> None:
        """Close the file; another record opens a new one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def __repr__(self) -> str:
        return f"<bpx.TensorBoard {str(self.folder)!r}>"


def _package() -> Any:
    try:
        import tensorboardX
    except ImportError as error:
        raise InputError(
            "bpx.TensorBoard needs tensorboardX, which is not installed; install it with: "
            "pip install 'tensorboardX>=2.6'"
        ) from error
    return tensorboardX
