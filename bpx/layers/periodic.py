"""`Periodic`: each number becomes sines and cosines, with frequencies that are learned.

For the chosen columns x_j of the input, z_kj = c_kj x_j for k = 1, ..., K, and the output is
a = (x_passed, sin 2 pi z, cos 2 pi z). A Dense layer above it can bend the effect of a number
where the data ask for it, even where it changes quickly.
Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep
learning" (2022), section 3.3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any, ClassVar, NamedTuple, Self

from bpx._typing import A
from bpx._validate import number, whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.layers.columns import Encoded, check_columns, positions
from bpx.layers.layer import Context
from bpx.layers.replacing import Replacing, beside
from bpx.program.marks import equation, symbols

__all__ = ["Periodic", "PeriodicMoved", "PeriodicParameters", "PeriodicSaved"]

_TURN = 2.0 * pi


class PeriodicParameters(NamedTuple):
    """The parameters of a `Periodic` layer, or their gradients.

    Attributes
    ----------
    c : array, shape (K, m)
        The frequencies: ``c[k, j]`` is the k-th of the j-th chosen column.
    """

    c: Any


class PeriodicSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    x : array, shape (n, m)
        The chosen columns of the input.
    sin, cos : arrays, shape (n, K m)
        Those of 2 pi z: first the first frequency of every column, then the second, ...
    a : array, shape (n, n_out)
    """

    x: Any
    sin: Any
    cos: Any
    a: Any

    @equation("dc", "dC/dc")
    def gradients(self, r: Any, delta: Any) -> PeriodicParameters:
        """dC/dc_kj = sum_x r_x delta_kj x_j, in the shape of c."""
        dc = self._as_c(namespace(delta).sum(r * self.each(delta), axis=-2))
        return PeriodicParameters(dc)

    # The terms that the sum over samples adds up: grad_x = delta_kj x_j

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = sum_kj (delta_kj x_j)², shape (n,)."""
        each = self.each(delta)
        norms: A = namespace(delta).sum(each * each, axis=-1)
        return norms

    def inner_products(self, delta: A, other: "PeriodicSaved", delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, n')."""
        product: A = self.each(delta) @ other.each(delta_other).mT
        return product

    def individual(self, delta: Any) -> PeriodicParameters:
        """grad_x for each sample: the samples' axis comes first, then those of c."""
        return PeriodicParameters(self._as_c(self.each(delta)))

    def along(self, v: PeriodicParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        each = self.each(delta) * _flat(v.c)
        product: A = namespace(delta).sum(each, axis=-1, keepdims=True)
        return product

    def squared(self) -> "PeriodicSaved":
        """Square x, so that the gradients of squared deltas sum squared gradients."""
        return self._replace(x=self.x * self.x)

    def each(self, delta: Any) -> Any:
        """delta_kj x_j, shape (n, K m)."""
        return self.of_z(delta) * self.tiled(self.x)

    def of_z(self, delta: Any) -> Any:
        """The part of delta that is dC_x/dz, shape (n, K m)."""
        return delta[..., delta.shape[-1] - self.sin.shape[-1] :]

    def tiled(self, x: Any) -> Any:
        """x_j for each z_kj, shape (n, K m)."""
        return beside(*(x,) * (self.sin.shape[-1] // self.x.shape[-1]))

    def _as_c(self, flat: Any) -> Any:
        m = self.x.shape[-1]
        return namespace(flat).reshape(flat, (*flat.shape[:-1], flat.shape[-1] // m, m))


class PeriodicMoved(NamedTuple):
    """R{x}, R{z} and R{a} for a direction of c; R{x} is None for 0."""

    x: Any
    z: Any
    a: Any


@dataclass(frozen=True)
class Periodic(Replacing):
    """Replace each number x_j by sin 2 pi c_kj x_j and cos 2 pi c_kj x_j; the c_kj are learned.

    The other columns pass unchanged and come first in the output: flags, one-hot columns, and
    the codes for a `bpx.Embedding`. It is a first layer, for numbers that are scaled.

    Parameters
    ----------
    n_in : int
        The width of the input.
    columns : sequence of int, optional
        The columns to replace, in increasing order; by default all.
    frequencies : int, optional
        K, the number of frequencies of each column.
    sigma : float, optional
        The standard deviation of the initial c_kj, which are normal with mean 0. The larger it
        is, the finer the details that the network sees: try 0.01 to 10.

    Raises
    ------
    InputError
        If a number is out of its range, or a column does not exist.

    Notes
    -----
    The L2 penalty does not act on c.

    Examples
    --------
    >>> layer = bpx.Periodic(3, columns=[0, 2], frequencies=4)
    >>> layer.passed, layer.n_out
    ((1,), 17)
    """

    n_in: int
    columns: Sequence[int] = ()
    frequencies: int = 16
    sigma: float = 0.1

    kind: ClassVar[str] = "periodic"
    bends: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least_1 = "a whole number of at least 1"
        n_in = whole("n_in", self.n_in, 1, None, at_least_1)
        frequencies = whole("frequencies", self.frequencies, 1, None, at_least_1)
        sigma = number("sigma", self.sigma, "a positive number", lambda s: s > 0.0)
        every = isinstance(self.columns, tuple) and not self.columns
        given = range(n_in) if every else self.columns
        object.__setattr__(self, "n_in", n_in)
        object.__setattr__(self, "columns", check_columns(n_in, given))
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "sigma", sigma)

    @classmethod
    def of(
        cls, schema: Encoded, frequencies: int = 16, sigma: float = 0.1, *, after: Any = ()
    ) -> Self:
        """Make the layer for the numbers and dates of a table's schema.

        Parameters
        ----------
        schema : bpx.data.Schema
        frequencies, sigma
            As for the layer.
        after : layer, or sequence of layers, optional
            The layers that run before this one, such as a `bpx.Embedding`, which pass the
            columns at other places.

        Raises
        ------
        InputError
            If the schema has neither numbers nor dates.
        """
        if not schema.numbers:
            raise InputError(
                f"{schema!r} has neither numbers nor dates for bpx.Periodic; omit this layer"
            )
        n_in, columns = positions(schema, schema.numbers, after)
        return cls(n_in, columns, frequencies, sigma)

    @property
    def n_out(self) -> int:
        """The width of the output."""
        return self.n_in + (2 * self.frequencies - 1) * len(self.columns)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of c."""
        return {"c": (self.frequencies, len(self.columns))}

    def entry(self, arrays: Mapping[str, Any]) -> PeriodicParameters:
        """``(c,)``."""
        return PeriodicParameters(arrays["c"])

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """Draw c from a normal distribution with mean 0 and standard deviation sigma."""
        return {"c": self.sigma * rng("layer").standard_normal(self.shapes["c"])}

    # The equations

    @symbols("angle", "sines", "cosines")
    def forward(
        self, parameters: PeriodicParameters, a_prev: Any, context: Context
    ) -> PeriodicSaved:
        """z_kj = c_kj x_j, a = (x_passed, sin 2 pi z, cos 2 pi z)."""
        x, xp = self.picked(a_prev), namespace(a_prev)
        angle = (_TURN * _flat(parameters.c)) * beside(*(x,) * self.frequencies)
        sines, cosines = xp.sin(angle), xp.cos(angle)
        return PeriodicSaved(x, sines, cosines, self.with_passed(a_prev, sines, cosines))

    def error(self, saved: PeriodicSaved, g: A) -> A:
        """dC_x/dx_passed and delta_kj = dC_x/dz_kj, side by side.

        delta_kj = 2 pi (cos 2 pi z_kj g_sin − sin 2 pi z_kj g_cos).
        """
        passed, g_sin, g_cos = self._halves(g)
        delta: A = beside(*passed, _TURN * (saved.cos * g_sin - saved.sin * g_cos))
        return delta

    def send_back(self, parameters: Any, saved: PeriodicSaved, delta: A) -> A:
        """dC_x/dx_j = sum_k c_kj delta_kj; what passed is sent back unchanged."""
        return self._sent(delta, _flat(parameters.c) * saved.of_z(delta))

    # The equations differentiated once, for a direction v of c

    def r_forward(
        self, parameters: Any, v: Any, saved: PeriodicSaved, ra_prev: Any
    ) -> PeriodicMoved:
        """R{z_kj} = v_kj x_j + c_kj R{x_j}; None stands for R{a^0} = 0."""
        rz, rx = _flat(v.c) * saved.tiled(saved.x), None
        if ra_prev is not None:
            rx = self.picked(ra_prev)
            rz = rz + _flat(parameters.c) * saved.tiled(rx)
        rsin, rcos = _TURN * (saved.cos * rz), -_TURN * (saved.sin * rz)
        return PeriodicMoved(rx, rz, self.with_passed(ra_prev, rsin, rcos))

    def r_output(self, saved: PeriodicSaved, moved: PeriodicMoved) -> Any:
        """R{a} = (R{x_passed}, 2 pi cos 2 pi z R{z}, −2 pi sin 2 pi z R{z})."""
        return moved.a

    def r_error(self, saved: PeriodicSaved, moved: PeriodicMoved, g: Any, rg: A) -> A:
        """The delta of R{g}, minus 4 pi² (sin 2 pi z g_sin + cos 2 pi z g_cos) R{z}."""
        _, g_sin, g_cos = self._halves(g)
        passed, rg_sin, rg_cos = self._halves(rg)
        turned = _TURN * (saved.cos * rg_sin - saved.sin * rg_cos)
        bent = (_TURN * _TURN) * (saved.sin * g_sin + saved.cos * g_cos) * moved.z
        rdelta: A = beside(*passed, turned - bent)
        return rdelta

    def r_send_back(
        self, parameters: Any, v: Any, saved: PeriodicSaved, moved: Any, delta: A, rdelta: A
    ) -> A:
        """sum_k c_kj R{delta_kj} + v_kj delta_kj."""
        each = _flat(parameters.c) * saved.of_z(rdelta) + _flat(v.c) * saved.of_z(delta)
        return self._sent(rdelta, each)

    def r_gradients(
        self, r: Any, saved: PeriodicSaved, moved: PeriodicMoved, delta: A, rdelta: A
    ) -> PeriodicParameters:
        """sum_x r_x (R{delta_kj} x_j + delta_kj R{x_j})."""
        found = saved.gradients(r, rdelta)
        if moved.x is None:
            return found
        return PeriodicParameters(found.c + saved._replace(x=moved.x).gradients(r, delta).c)

    def _halves(self, g: Any) -> tuple[list[Any], Any, Any]:
        """What passed, and the parts of g that belong to the sines and to the cosines."""
        passed, both = self.parted(g)
        half = both.shape[-1] // 2
        return passed, both[..., :half], both[..., half:]

    def _sent(self, delta: Any, each: Any) -> Any:
        """Sum over the frequencies, and put all columns back in their order."""
        m = len(self.columns)
        total = each[..., :m]
        for first in range(m, each.shape[-1], m):
            total = total + each[..., first : first + m]
        return self.restored(self.parted(delta)[0], total)


def _flat(c: Any) -> Any:
    """The frequencies as one row, (1, K m); (networks, 1, K m) for several networks."""
    return namespace(c).reshape(c, (*c.shape[:-2], 1, c.shape[-2] * c.shape[-1]))
