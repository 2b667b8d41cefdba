"""What a network's file notes besides its parts: its private trainings, and its schema."""

from collections.abc import Mapping
from typing import Any

from bpx.network.tables import Schema
from bpx.privacy.accounting import Mechanism, is_mechanism

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
    from bpx import data

    return data.Schema.restored(notes["schema"])
