"""The layers of ``Network(..., norm=...)``, by name."""

from typing import Any, Literal, TypeAlias

from bpx.errors import InputError, at_the_prompt, nearest
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.layer_norm import LayerNorm

__all__ = ["NORMS", "NormName", "normalization"]

NORMS: dict[str, type[Any]] = {"layer": LayerNorm, "batch": BatchNorm}
"""The layers that standardise units, by their names in ``norm=``."""

NormName: TypeAlias = Literal["layer", "batch"]
"""The keys of `NORMS`, for type checkers and editors."""


def normalization(norm: NormName | None, width: int) -> tuple[Any, ...]:
    """Return the layer with that name for so many units, as a tuple; for None, no layer.

    Raises
    ------
    InputError
        If there is no such name, or the layer cannot have this width.
    """
    if norm is None:
        return ()
    if not isinstance(norm, str) or norm not in NORMS:
        near = nearest(norm, NORMS) if isinstance(norm, str) else ""
        raise InputError(
            f"norm={norm!r} was given{near}; expected None, or one of "
            f"{', '.join(map(repr, NORMS))}; for a layer with other settings, give layers in "
            "place of widths"
        )
    with at_the_prompt(None):  # no option there has the name of the width
        return (NORMS[norm](width),)
