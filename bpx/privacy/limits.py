"""The largest norm that a sample's gradient may have, checked."""

from typing import Any

from bpx._validate import number
from bpx.errors import InputError

__all__ = ["Clip", "check_clip"]

Clip = float | tuple[float, ...]
"""The largest norm of a sample's gradient: by all parameters, or one for each layer."""


def check_clip(clip: Any, layers: int | None = None) -> tuple[float, ...]:
    """The clips as a tuple, of one or of as many as there are layers (if that is known).

    Raises
    ------
    InputError
        If one is not positive, or they are of another number than the layers.
    """
    each = tuple(clip) if isinstance(clip, tuple | list) else (clip,)
    if layers is not None and isinstance(clip, tuple | list) and len(each) != layers:
        raise InputError(
            f"clip={clip!r} has {len(each)} numbers for {layers} layers; expected one for "
            "each layer, or a single number for all parameters together"
        )
    return tuple(number("clip", c, "a positive number", lambda v: v > 0.0) for c in each)
