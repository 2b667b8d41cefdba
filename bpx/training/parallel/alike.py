"""What ranks have in common: an error names the first that differs, on every rank."""

from collections.abc import Mapping
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.ranks import Communicator
from bpx.errors import InputError
from bpx.training.parallel.failing import everywhere

__all__ = ["SHOWN", "backend_of", "check_same"]

SHOWN = 160
"""The most characters of two values that a message shows side by side."""


def backend_of(home: Home) -> dict[str, str]:
    """Return the facts of a home that all ranks share: the numbers of their devices differ."""
    kind = (home.device_name or "").partition(":")[0]
    is_usual = kind in ("", "cpu") or kind.isdecimal()
    return {
        "backend": home.backend.name,
        "the kind of device": "the usual one" if is_usual else kind,
    }


def check_same(ranks: Communicator, facts: Mapping[str, Any]) -> None:
    """Refuse ranks whose facts differ.

    Parameters
    ----------
    ranks : Communicator
    facts : mapping of str
        Those of this rank, in words of a message.

    Raises
    ------
    InputError
        On every rank; the message names the first rank that differs, and in what.
    """
    first, *others = ranks.gather(dict(facts))
    for rank, theirs in enumerate(others, 1):
        for name in (*first, *(each for each in theirs if each not in first)):
            here, there = first.get(name), theirs.get(name)
            if here != there:
                told = f": {there}, not {here}" if len(f"{there}{here}") < SHOWN else ""
                raise everywhere(
                    InputError(
                        f"rank {rank} of {ranks.size} differs from rank 0 in {name}{told}; "
                        "start all ranks with the same program, data and versions"
                    )
                )
