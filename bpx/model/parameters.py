"""Parameters and gradients: one entry for each layer, with access to all arrays by name."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Self

from bpx._typing import Array
from bpx.errors import InputError
from bpx.layers.dense import DenseParameters
from bpx.model.repeats import Repeats
from bpx.program.contract import Branches

__all__ = ["Gradients", "Parameters", "as_parameters", "dense"]


class _Layers(NamedTuple):
    layers: tuple[Any, ...]


class Parameters(_Layers):
    """The parameters of a network: one entry for each layer, in the order in which they run.

    Attributes
    ----------
    layers : tuple of named tuples of arrays
        The argument of each layer's `forward`: ``(w, b)`` for a `Dense` layer, or an empty
        tuple for a layer that learns nothing.
    w : tuple of arrays
        The weights of the `Dense` layers: ``w[i]``, of shape (k_{i+1}, k_i), is the book's
        w^{i+1}.
    b : tuple of arrays
        Their biases: ``b[i]``, of shape (k_{i+1},), is the book's b^{i+1}; None for a layer
        without biases.
    like : array
        One of the arrays, whose library, device and dtype are those of all.
    """

    def __new__(cls, layers: Iterable[Any], *others: Any) -> Self:
        """Make parameters from the layers' entries."""
        if others:
            raise InputError(
                f"bpx.{cls.__name__} was given w and b; it now takes one entry for each layer: "
                f"bpx.{cls.__name__}.dense(w, b) makes them from the weights and biases of "
                "Dense layers"
            )
        return super().__new__(cls, tuple(layers))

    @classmethod
    def dense(cls, w: Sequence[Any], b: Sequence[Any]) -> Self:
        """Make them from weights w^1, ..., w^L and biases b^1, ..., b^L of Dense layers.

        The biases of a layer without them are None.
        """
        if len(w) != len(b):
            raise InputError(
                f"{len(w)} weights and {len(b)} biases were given; expected one of each for "
                "every layer"
            )
        return cls(DenseParameters(*each) for each in zip(w, b, strict=True))

    @cached_property
    def w(self) -> tuple[Array, ...]:
        """The weights of the Dense layers."""
        return tuple(each.w for each in dense(self.layers))

    @cached_property
    def b(self) -> tuple[Any, ...]:
        """The biases of the Dense layers; None for a layer without biases."""
        return tuple(each.b for each in dense(self.layers))

    @cached_property
    def repeats(self) -> Repeats:
        """The calls with these arrays that recur."""
        return Repeats()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.layers,)  # without what is kept for these very arrays

    @property
    def like(self) -> Array:
        """One of the arrays, whose library, device and dtype are those of all."""
        return self.w[0]

    def __repr__(self) -> str:
        shapes = (
            " ".join([field, *map(_shown, arrays)])
            for field, those in _by_field(self.layers).items()
            if (
                arrays := [
                    x for at in those if (x := getattr(self.layers[at], field)) is not None
                ]
            )
        )
        return f"<bpx.{type(self).__name__} {', '.join(shapes)}>"

    def branches(self) -> Branches:
        """The arrays, grouped by name: ``w[0], w[1], ..., b[0], b[1], ...``."""
        return [
            (f"{field}[{i}]", getattr(self.layers[at], field))
            for field, those in _by_field(self.layers).items()
            for i, at in enumerate(those)
        ]

    def grown(self, branches: Sequence[Any]) -> Self:
        """Return the same layers with other arrays, in the order of `branches`."""
        places = _places(tuple(map(type, self.layers)))
        pairs = zip(self.layers, places, strict=True)
        layers = [
            type(old)(*[branches[i] for i in those]) if those else old for old, those in pairs
        ]
        return type(self)(layers)


class Gradients(Parameters):
    """dC/dw and dC/db of each layer, in the form of `Parameters`.

    Arrays that a layer averages and does not learn, as `BatchNorm` does, are None.
    """


def as_parameters(given: Any) -> Parameters:
    """Return `Parameters`, from `Parameters` or a pair (w, b) of sequences for Dense layers.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(given, Parameters):
        return given
    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not all(isinstance(part, tuple | list) for part in given):
        raise InputError(
            f"a {type(given).__name__} was given as parameters; expected bpx.Parameters, such "
            "as net.parameters, or a pair (w, b) of the weights and biases of Dense layers"
        )
    return Parameters.dense(*given)


def _shown(leaf: Any) -> str:
    """Return an array's shape; of what a tree of another kind holds, a short form."""
    shape = getattr(leaf, "shape", None)
    if isinstance(shape, tuple) and hasattr(leaf, "dtype"):
        return str(tuple(shape))
    return reprlib.repr(leaf)


def dense(entries: Iterable[Any]) -> list[DenseParameters]:
    """Return the entries of Dense layers."""
    return [entry for entry in entries if isinstance(entry, DenseParameters)]


def _by_field(layers: Sequence[Any]) -> Mapping[str, Sequence[int]]:
    """Map each field to the layers that have it, in the order in which fields first occur."""
    return _layers_of(tuple(map(type, layers)))


@lru_cache(maxsize=256)
def _layers_of(kinds: tuple[type, ...]) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for at, kind in enumerate(kinds):
        for field in getattr(kind, "_fields", ()):
            found.setdefault(field, []).append(at)
    return found


@lru_cache(maxsize=256)
def _places(kinds: tuple[type, ...]) -> Sequence[Sequence[int]]:
    """The places of each layer's fields among all of them, grouped by name."""
    order = [(field, at) for field, those in _layers_of(kinds).items() for at in those]
    numbers = {each: i for i, each in enumerate(order)}
    return [
        [numbers[field, at] for field in getattr(kind, "_fields", ())]
        for at, kind in enumerate(kinds)
    ]
