"""The contents of a network's file."""

from typing import Any, Protocol

from bpx._typing import Array
from bpx.io import checkpoint
from bpx.model.parameters import Parameters
from bpx.network.tables import Schema
from bpx.privacy.accounting import Account

__all__ = ["Packed", "packed"]


class Packed(Account, Protocol):
    """A network with everything that its file holds."""

    schema: "Schema | None"

    @property
    def seed(self) -> int | None:
        """The seed of the initial weights."""


def packed(network: Packed, parameters: Parameters, feedback: tuple[Array, ...]) -> bytes:
    """Return the contents of the file of a network that has these arrays: see `bpx.load`."""
    notes: dict[str, Any] = {}
    if network.mechanisms:
        notes["mechanisms"] = network.mechanisms
    if network.schema is not None:
        notes["schema"] = network.schema.described()
    return checkpoint.packed(network.spec, parameters, feedback, network.seed, notes)
