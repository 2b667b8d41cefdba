"""What a quantity asks of a network, refused by name where it is not there."""

from bpx import feedback
from bpx.errors import InputError
from bpx.spec import Spec

__all__ = ["check_by_transpose"]


def check_by_transpose(spec: Spec, what: str) -> None:
    """Refuse a network whose errors do not go back through the transpose.

    Parameters
    ----------
    spec : Spec
    what : str
        The quantity, as in "the neural tangent kernel".

    Raises
    ------
    InputError
        Naming the first such layer, its rule, and what to do.
    """
    if len(spec.layers) > 1 and spec.feedback != feedback.transpose:
        raise InputError(
            f"layer 1 gets its error by {spec.feedback.name!r}, and {what} goes through the "
            "transpose: pass spec.by_transpose(), the same network with BP2 as it is"
        )
