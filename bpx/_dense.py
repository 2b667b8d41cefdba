"""Arrays whose values are not all there: masked, sparse."""

from typing import Any

from bpx.errors import InputError

__all__ = ["refuse_masked_or_sparse"]

_SIGNS = ("A1", "filled", "nnz", "toarray", "is_sparse")
"""What the classes of such arrays have."""
_plain: set[type] = set()
"""Classes that have none of these."""


def refuse_masked_or_sparse(x: Any, name: str) -> None:
    """Raise InputError for masked arrays, sparse arrays and matrices."""
    kind = type(x)  # a frame may have columns of any names, its class has not
    if kind in _plain:
        return
    if hasattr(kind, "A1"):
        raise InputError(
            f"{name} is a numpy.matrix, whose * is the matrix product: pass np.asarray({name})"
        )
    if hasattr(kind, "filled") and hasattr(kind, "mask"):
        raise InputError(
            f"{name} is a masked array; bpx would train on the masked values: "
            f"fill it ({name}.filled(...)) or drop the masked rows"
        )
    if (hasattr(x, "nnz") and hasattr(x, "toarray")) or getattr(x, "is_sparse", False) is True:
        raise InputError(
            f"{name} is sparse; expected a dense array: {name}.toarray() or .to_dense()"
        )
    if not any(hasattr(kind, sign) for sign in _SIGNS):
        _plain.add(kind)
