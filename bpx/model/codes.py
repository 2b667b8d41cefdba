"""The codes among a network's inputs, checked where values are read: see `bpx.Embedding`."""

from typing import Any

from bpx.arrays.host import as_host
from bpx.arrays.registry import is_traced
from bpx.errors import InputError
from bpx.model.spec import Spec

__all__ = ["check_codes"]


def check_codes(spec: Spec, x: Any, name: str) -> None:
    """Refuse inputs, shape (n, k_0), whose codes do not exist; a traced array passes.

    Raises
    ------
    InputError
        Naming the first row with such a number, its column, and the codes that exist.
    """
    if not spec.codes or is_traced(x):
        return
    for column, levels in spec.codes.items():
        codes = as_host(x[:, column], name)
        wrong = ~((codes >= 0) & (codes < levels) & (codes == codes.round()))
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"{name} has {codes[row]:g} in row {row}, column {column}, which holds codes "
                f"for a bpx.Embedding; expected whole numbers in 0 ... {levels - 1}"
            )
