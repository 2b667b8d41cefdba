"""The skips of residual blocks: what they carry past the layers of a block, up and back."""

from collections.abc import Sequence
from typing import Any

from bpx._typing import A
from bpx.errors import InputError
from bpx.feedback import Feedback
from bpx.layers.residual import Add

__all__ = ["Skips", "check_direct", "fed", "returned", "skips_of"]

Skips = dict[int, tuple[int, ...]]
"""For the index of the first layer of each block, the indices of the `Add` layers that end it.

Blocks in blocks may begin at the same layer.
"""


def skips_of(layers: Sequence[Any]) -> Skips:
    """The skips of these layers: what enters ``layers[i]`` is added by each ``layers[j]``."""
    found: Skips = {}
    for j, layer in enumerate(layers):
        if isinstance(layer, Add):
            begins = j - layer.over
            found[begins] = (*found.get(begins, ()), j)
    return found


def check_direct(rule: Feedback, skips: Skips) -> None:
    """Refuse a direct rule with a residual block: no error would go back through its skip.

    Raises
    ------
    InputError
        If so; the message names the rule.
    """
    if skips and rule.direct:
        raise InputError(
            f"the feedback {rule.name!r} was given with a bpx.Residual, but it sends the "
            "output's error to each layer directly, so that none goes back through the skip; "
            "expected a rule that sends errors from layer to layer, such as 'fa', or "
            "feedback='transpose'"
        )


def fed(skips: Skips, i: int, a: Any, carried: dict[int, Any]) -> Any:
    """The input of ``layers[i]``: a, the output below it; for an `Add`, a pair with the skip.

    Parameters
    ----------
    skips : Skips
    i : int
    a : array, or what stands for it
    carried : dict
        What the skips carry, by the index of the `Add`; a pass up keeps it from layer to layer.
    """
    carried.update(dict.fromkeys(skips.get(i, ()), a))
    return (a, carried.pop(i)) if i in carried else a


def returned(skips: Skips, i: int, g: A, deltas: Sequence[A]) -> A:
    """The signal that reaches what enters ``layers[i]``: g, and the deltas of skips from there.

    Parameters
    ----------
    skips : Skips
    i : int
    g : array
        The signal that ``layers[i]`` sends back.
    deltas : sequence of arrays
        The deltas of ``layers[i]`` and of those above it. Of an `Add` above the last of them,
        no error comes.
    """
    for j in skips.get(i, ()):
        if j - i < len(deltas):
            g = g + deltas[j - i]
    return g
