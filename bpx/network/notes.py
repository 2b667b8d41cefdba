"""What a network's file notes besides its parts: its private trainings, and its schema."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpx.privacy.accounting import Mechanism, is_mechanism

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["are_right", "mechanisms", "schema"]


def are_right(notes: Mapping[str, Any]) -> bool:
    """Whether the notes of a file are valid; a KeyError, TypeError or ValueError means no."""
    schema(notes)
    return all(map(is_mechanism, notes.get("mechanisms", ())))


def mechanisms(notes: Mapping[str, Any]) -> tuple[Mechanism, ...]:
    """Return the mechanisms of the network's private training."""
    return tuple(Mechanism(*each) for each in notes.get("mechanisms", ()))


def schema(notes: Mapping[str, Any]) -> "Schema | None":
    """Return the network's schema, if it has one."""
    if "schema" not in notes:
        return None
    from bpx.data import Schema

    return Schema.restored(notes["schema"])
