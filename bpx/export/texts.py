"""The texts of a schema, which files of other programs hold as UTF-8."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bpx.errors import InputError

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["check_texts"]


def check_texts(schema: "Schema") -> None:
    """Refuse a schema with a text that UTF-8 cannot hold: one with half a surrogate pair.

    Raises
    ------
    InputError
        If there is one, which names its column.
    """
    columns: list[tuple[str, Sequence[Any]]] = []
    columns += [(each.name, each.levels) for each in schema.features]
    if schema.target is not None:
        columns.append((schema.target.name, schema.target.classes))
    for name, texts in columns:
        for text in (name, *texts):
            if isinstance(text, str) and not _is_utf8(text):
                raise InputError(
                    f"column {name!r} has the text {text!r}, which UTF-8 cannot hold; replace "
                    "it in the table, and fit the schema again"
                )


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
