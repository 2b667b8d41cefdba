"""The contents of a network's file."""

from typing import Any, Protocol

from bpx._typing import Array
from bpx.io import checkpoint
from bpx.model.parameters import Parameters
from bpx.network.tables import Schema
from bpx.privacy.accounting import Account

__all__ = ["Packed", "noted", "packed"]


class Packed(Account, Protocol):
    """A network with everything that its file holds."""

    schema: "Schema | None"

    @property
    def seed(self) -> int | None:
        """The seed of the initial weights."""


def packed(network: Packed, parameters: Parameters, feedback: tuple[Array, ...]) -> bytes:
    """Return the contents of the file of a network that has these arrays: see `bpx.load`."""
    return checkpoint.packed(network.spec, parameters, feedback, network.seed, noted(network))


def noted(network: Packed) -> dict[str, Any]:
    """Return what a file notes of a network besides its parts: see `bpx.network.notes`."""
    notes: dict[str, Any] = {}
    if network.mechanisms:
        notes["mechanisms"] = network.mechanisms
    if network.schema is not None:
        notes["schema"] = network.schema.described()
    return notes
