"""How a rank that cannot go on ends the others, which would wait for it for ever."""

import sys
import traceback
from types import TracebackType

from bpx.arrays.ranks import Communicator
from bpx.training.parallel.failing import is_everywhere

__all__ = ["attend", "end"]


def end(ranks: Communicator, error: BaseException) -> None:
    """Print the error with the rank that raised it, and end the processes of all ranks."""
    text = "".join(traceback.format_exception(error))
    print(f"{text}rank {ranks.rank} of {ranks.size} ended all of them", file=sys.stderr)
    ranks.abort()


def attend(ranks: Communicator) -> None:
    """End all ranks if this process is about to end with an error that the others do not have.

    Of an error that all of them raise, only rank 0 prints the traceback.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        if not is_everywhere(error):
            end(ranks, error)
        elif ranks.rank == 0:
            before(kind, error, at)

    sys.excepthook = hook
