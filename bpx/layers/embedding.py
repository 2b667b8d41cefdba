"""`Embedding`: each category becomes a vector that is learned, a row of the table E.

The chosen columns of the input hold codes: column j a whole number x_j in 0, ..., L_j − 1. The
output is a = (x_passed, E_{x_1}, ..., E_{x_m}), where E_{x_j} is a row of the j-th table.
With the one-hot vector h_j of x_j, this is the product h_j^T E, so dC/dE = h_j delta_j^T: the
error of a category's vector goes to that category's row.
C. Guo, F. Berkhahn, "Entity embeddings of categorical variables" (2016).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import add
from typing import Any, ClassVar, NamedTuple, Self

from bpx._typing import A
from bpx._validate import flag, whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError, option
from bpx.layers.codes import looked_up, nearest, one_hot, rows
from bpx.layers.columns import Encoded, check_columns, listed, positions
from bpx.layers.layer import Context
from bpx.layers.replacing import Replacing
from bpx.program.marks import equation, symbols

__all__ = ["Embedding", "EmbeddingParameters", "EmbeddingSaved"]

_EXACT = 2**23
"""float32 holds the whole numbers up to this one, and the halves between them."""


class EmbeddingParameters(NamedTuple):
    """The parameters of an `Embedding` layer, or their gradients.

    Attributes
    ----------
    E : array, shape (sum of levels, dim)
        The tables of all columns, one below the other: see `Embedding.rows`.
    """

    E: Any


class _Saved(NamedTuple):
    codes: Any
    a: Any


class EmbeddingSaved(_Saved):
    """The arrays that the forward pass saves: codes, (n, columns), int32, and a, (n, n_out).

    Each layer has a subclass of its own, whose `layer` it is.
    """

    layer: "Embedding"

    def __reduce__(self) -> Any:
        return _restored, (self.layer, *self)

    @equation("dE", "dC/dE")
    def gradients(self, r: Any, delta: Any) -> EmbeddingParameters:
        """dC/dE_i = sum of r_x delta_j over the samples x with code i in column j."""
        each = [one_hot(x, size, e).mT @ e for x, size, e in self._columns(r * delta)]
        dE = namespace(delta).concat(each, axis=-2)
        return EmbeddingParameters(dE)

    # The terms that the sum over samples adds up: the row of each code gets delta_j

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = sum_j ‖delta_j‖², shape (n,)."""
        _, errors = self.layer.parted(delta)
        norms: A = namespace(delta).sum(errors * errors, axis=-1)
        return norms

    def inner_products(self, delta: A, other: "EmbeddingSaved", delta_other: A) -> A:
        """grad_x · grad_x', (n, n'): the sum of delta_j · delta'_j where codes are equal."""
        xp, theirs = namespace(delta), other._columns(delta_other)
        pairs = zip(self._columns(delta), theirs, strict=True)
        products: A = reduce(
            add,
            (xp.astype(i == j.mT, delta.dtype) * (e @ f.mT) for (i, _, e), (j, _, f) in pairs),
        )
        return products

    def individual(self, delta: Any) -> EmbeddingParameters:
        """grad_x for each sample: the samples' axis comes first, then those of E."""
        each = [
            one_hot(x, size, e)[..., :, None] * e[..., None, :]
            for x, size, e in self._columns(delta)
        ]
        return EmbeddingParameters(namespace(delta).concat(each, axis=-2))

    def along(self, v: EmbeddingParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        _, errors = self.layer.parted(delta)
        moved = errors * looked_up(v.E, self.codes, self.layer.levels)
        product: A = namespace(delta).sum(moved, axis=-1, keepdims=True)
        return product

    def squared(self) -> "EmbeddingSaved":
        """Return this unchanged, since one-hot vectors are their own squares."""
        return self

    def _columns(self, delta: Any) -> Iterator[tuple[Any, int, Any]]:
        """Yield the codes of each column, (n, 1), their number L_j, and delta_j, (n, dim)."""
        (_, errors), dim = self.layer.parted(delta), self.layer.dim
        for j, size in enumerate(self.layer.levels):
            yield self.codes[..., j : j + 1], size, errors[..., j * dim : (j + 1) * dim]


@dataclass(frozen=True)
class Embedding(Replacing):
    """Replace codes by vectors that are learned: E_i for code i, of `dim` numbers.

    The other columns pass unchanged and come first in the output. Codes are whole numbers,
    0, ..., L_j − 1 in column j, stored as floats like the other columns. `fit`, `predict` and
    `evaluate` refuse other numbers; `forward` and `backprop`, which read no values, take the
    nearest code instead.

    Parameters
    ----------
    n_in : int
        The width of the input.
    columns : sequence of int
        The columns that hold codes, in increasing order.
    levels : sequence of int
        L_j, the number of codes in each of these columns, at most 2**23.
    dim : int
        The numbers of each vector.
    unseen : bool, optional
        Whether each column's last code is for categories that training does not have: its
        vector starts at 0, and stays there as long as it does not occur.

    Raises
    ------
    InputError
        If a number is out of its range, or a column does not exist.

    Notes
    -----
    Initial vectors are normal, with mean 0 and variance 1 / dim: a category then counts as much
    as a scaled number or a one-hot column. The L2 penalty does not act on E: it would shrink
    the rows of rare categories at every step. The gradient of codes is 0.

    The Array API has no sum by index, so dC/dE is a product with one-hot vectors, whose cost
    grows with the number of codes.

    Examples
    --------
    >>> layer = bpx.Embedding(4, columns=[1, 3], levels=[3, 50], dim=8)
    >>> layer.passed, layer.n_out
    ((0, 2), 18)
    """

    n_in: int
    columns: Sequence[int]
    levels: Sequence[int]
    dim: int
    unseen: bool = False

    kind: ClassVar[str] = "embedding"
    bends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        n_in = whole("n_in", self.n_in, 1, None, "a whole number of at least 1")
        columns = check_columns(n_in, self.columns)
        dim = whole("dim", self.dim, 1, None, "a whole number of at least 1")
        object.__setattr__(self, "unseen", flag("unseen", self.unseen))
        object.__setattr__(self, "n_in", n_in)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "levels", _checked(self.levels, len(columns)))
        object.__setattr__(self, "dim", dim)

    @classmethod
    def of(cls, schema: Encoded, dim: int, *, after: Any = ()) -> Self:
        """Make the layer for the categories that a table's schema turns into codes.

        Parameters
        ----------
        schema : bpx.data.Schema
            Fitted with ``categories="codes"``.
        dim : int
            The numbers of each vector.
        after : layer, or sequence of layers, optional
            The layers that run before this one, such as a `bpx.Periodic`: the columns are
            found where these pass them.

        Raises
        ------
        InputError
            If the schema makes no codes.
        """
        if not schema.codes:
            raise InputError(
                f"{schema!r} makes no codes, so bpx.Embedding has no columns; expected one "
                "fitted with categories='codes', of a table with categories"
            )
        n_in, columns = positions(schema, tuple(schema.codes), after)
        return cls(n_in, columns, tuple(schema.codes.values()), dim, unseen=True)

    @property
    def codes(self) -> dict[int, int]:
        """The columns that hold codes, and the number of codes of each."""
        return dict(zip(self.columns, self.levels, strict=True))

    @property
    def rows(self) -> tuple[slice, ...]:
        """The rows of E that belong to each of `columns`."""
        return rows(self.levels)

    @property
    def n_out(self) -> int:
        """The width of the output."""
        return self.n_in + (self.dim - 1) * len(self.columns)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of E."""
        return {"E": (sum(self.levels), self.dim)}

    def entry(self, arrays: Mapping[str, Any]) -> EmbeddingParameters:
        """``(E,)``."""
        return EmbeddingParameters(arrays["E"])

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """Draw E from a normal distribution with mean 0 and variance 1 / dim."""
        vectors = rng("layer").standard_normal(self.shapes["E"]) / self.dim**0.5
        if self.unseen:
            vectors[[each.stop - 1 for each in self.rows]] = 0.0
        return {"E": vectors}

    # The equations

    @symbols("codes", "vectors")
    def forward(self, parameters: Any, a_prev: Any, context: Context) -> EmbeddingSaved:
        """a = (x_passed, E_{x_1}, ..., E_{x_m})."""
        codes = nearest(self.picked(a_prev), self.levels)
        vectors = looked_up(parameters.E, codes, self.levels)
        return _saved_by(self)(codes, self.with_passed(a_prev, vectors))

    def error(self, saved: EmbeddingSaved, g: A) -> A:
        """g: dC_x/dx_passed, and delta_j = dC_x/dE_{x_j} of each column, side by side."""
        return g

    def send_back(self, parameters: Any, saved: EmbeddingSaved, delta: A) -> A:
        """What passed is sent back unchanged; codes have the gradient 0."""
        xp, shape = namespace(delta), (*delta.shape[:-1], len(self.columns))
        zeros = xp.zeros(shape, dtype=delta.dtype, device=getattr(delta, "device", None))
        sent: A = self.restored(self.parted(delta)[0], zeros)
        return sent

    # The equations differentiated once, for a direction v of E; a is linear in E

    def r_forward(self, parameters: Any, v: Any, saved: EmbeddingSaved, ra_prev: Any) -> Any:
        """R{a} = (R{x_passed}, v_{x_1}, ..., v_{x_m}); None stands for R{a^0} = 0."""
        return self.with_passed(ra_prev, looked_up(v.E, saved.codes, self.levels))

    def r_output(self, saved: EmbeddingSaved, moved: Any) -> Any:
        """R{a}."""
        return moved

    def r_error(self, saved: EmbeddingSaved, moved: Any, g: Any, rg: A) -> A:
        """R{g}."""
        return rg

    def r_send_back(
        self, parameters: Any, v: Any, saved: EmbeddingSaved, moved: Any, delta: A, rdelta: A
    ) -> A:
        """What passed is sent back unchanged; the gradient of codes stays 0."""
        return self.send_back(parameters, saved, rdelta)

    def r_gradients(
        self, r: Any, saved: EmbeddingSaved, moved: Any, delta: A, rdelta: A
    ) -> EmbeddingParameters:
        """The gradient of R{delta}."""
        return saved.gradients(r, rdelta)


@lru_cache(maxsize=1024)
def _saved_by(layer: Embedding) -> type[EmbeddingSaved]:
    """Return the class of what a layer saves: its methods need the layer's levels."""
    return type("EmbeddingSaved", (EmbeddingSaved,), {"layer": layer, "__module__": __name__})


def _restored(layer: Embedding, *arrays: Any) -> EmbeddingSaved:
    return _saved_by(layer)(*arrays)


def _checked(levels: Any, count: int) -> tuple[int, ...]:
    """Return the numbers of codes, one for each column."""
    expected = f"whole numbers in 1 ... 2**23, one for each column ({count})"
    given = listed(levels)
    if len(given) != count:
        raise InputError(f"{option('levels', levels)} was given; expected {expected}")
    return tuple(whole("levels", each, 1, _EXACT, expected) for each in given)
