"""Check the clip: the largest norm that a sample's gradient may have."""

from typing import Any

from bpx._validate import number
from bpx.errors import InputError

__all__ = ["Clip", "check_clip"]

Clip = float | tuple[float, ...]
"""The largest norm of a sample's gradient, over all parameters or for each layer."""


def check_clip(clip: Any, layers: int | None = None) -> tuple[float, ...]:
    """Return the clips as a tuple: a single one, or one for each layer if `layers` is known.

    Raises
    ------
    InputError
        If a clip is not positive, or their number differs from the number of layers.
    """
    each = tuple(clip) if isinstance(clip, tuple | list) else (clip,)
    if layers is not None and isinstance(clip, tuple | list) and len(each) != layers:
        raise InputError(
            f"clip={clip!r} has {len(each)} numbers for {layers} layers; expected one for "
            "each layer, or a single number for all parameters together"
        )
    return tuple(number("clip", c, "a positive number", lambda v: v > 0.0) for c in each)
