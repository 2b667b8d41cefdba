"""`Residual`: a block of layers f with a skip around it: a = a_prev + f(a_prev).

A network runs its layers one after the other. So a block becomes its own layers, followed by an
`Add`, which adds the activation that entered the block. The Jacobian of the block is 1 + J_f:
the signal that reaches a_prev is the one that f sends back, plus the delta of the `Add`.
K. He et al., "Deep residual learning for image recognition" (2016).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from bpx._typing import A
from bpx._validate import whole
from bpx.errors import InputError
from bpx.layers.layer import Context
from bpx.program.marks import equation

__all__ = ["Add", "AddSaved", "Residual", "flattened"]


@dataclass(frozen=True)
class Residual:
    """A block of layers, f, whose input is added to its output: a = a_prev + f(a_prev).

    It stands in a list of layers, and may hold blocks itself. In a network's ``spec.layers``,
    it is its own layers followed by a `bpx.layers.Add`, and so in the parameters and traces.

    Parameters
    ----------
    layers : sequence of layers
        f, at least one layer. The first takes as many numbers as the last gives.

    Raises
    ------
    InputError
        If there are no layers, one is not a layer, or f changes the width.

    Notes
    -----
    K. He et al., "Deep residual learning for image recognition" (2016).

    Examples
    --------
    >>> block = bpx.Residual([bpx.Dense(30, 30, "relu"), bpx.Dense(30, 30, "identity")])
    >>> net = bpx.Network([bpx.Dense(784, 30, "relu"), block, bpx.Dense(30, 10, "softmax")])
    >>> net.spec.layers[3]
    Add(width=30, over=2)
    """

    layers: tuple[Any, ...]

    if TYPE_CHECKING:  # the constructor also takes a list; the field is a tuple

        def __init__(self, layers: Sequence[Any]) -> None: ...

    def __post_init__(self) -> None:
        example = "a list of layers, such as [bpx.Dense(30, 30, 'relu')]"
        if not isinstance(self.layers, Sequence) or isinstance(self.layers, str):
            raise InputError(
                f"layers={self.layers!r} was given to Residual; expected {example}"
            )
        if not self.layers:
            raise InputError(f"no layers were given to Residual; expected {example}")
        for number, each in enumerate(self.layers, 1):
            if isinstance(each, type) or not hasattr(each, "n_in"):
                raise InputError(
                    f"{each!r} was given to Residual as layer {number}; expected {example}"
                )
        if self.n_in != self.n_out:
            raise InputError(
                f"layer 1 of a Residual, {self.layers[0]!r}, takes {self.n_in} numbers, but "
                f"its last layer, {self.layers[-1]!r}, gives {self.n_out}; expected the same "
                "number, since the two are added"
            )
        object.__setattr__(self, "layers", tuple(self.layers))

    @property
    def n_in(self) -> int:
        """The width of its input."""
        width: int = self.layers[0].n_in
        return width

    @property
    def n_out(self) -> int:
        """The width of its output, the same."""
        width: int = self.layers[-1].n_out
        return width


def flattened(layers: Iterable[Any]) -> Iterator[Any]:
    """Yield the layers in the order in which they run: an `Add` after those of each block."""
    for layer in layers:
        if isinstance(layer, Residual):
            inside = tuple(flattened(layer.layers))
            yield from inside
            yield Add(layer.n_in, len(inside))
        else:
            yield layer


class AddSaved(NamedTuple):
    """The arrays that the forward pass saves.

    Attributes
    ----------
    skip : array, shape (n, k)
        The activation that entered the block.
    a : array, shape (n, k)
        The sum.
    """

    skip: Any
    a: Any


@dataclass(frozen=True)
class Add:
    """The end of a `bpx.Residual`: add the activation that entered the block.

    Its input is a pair: the output of the layer before it, and what entered the block. What
    it sends back, delta, goes to both.

    Parameters
    ----------
    width : int
        k, the width of both inputs and of the output.
    over : int
        The number of layers in the block: those directly before this one in ``spec.layers``.

    Raises
    ------
    InputError
        If a number is less than 1.
    """

    width: int
    over: int

    kind: ClassVar[str] = "add"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    bends: ClassVar[bool] = False
    shapes: ClassVar[Mapping[str, tuple[int, ...]]] = {}

    def __post_init__(self) -> None:
        expected = "a whole number of at least 1"
        object.__setattr__(self, "width", whole("width", self.width, 1, None, expected))
        object.__setattr__(self, "over", whole("over", self.over, 1, None, expected))

    @property
    def n_in(self) -> int:
        """The width."""
        return self.width

    @property
    def n_out(self) -> int:
        """The width."""
        return self.width

    def entry(self, arrays: Mapping[str, Any]) -> tuple[()]:
        """Return ``()``: it has no parameters."""
        return ()

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """Return no parameters."""
        return {}

    @equation("a^l", "add", of="f")
    def forward(self, parameters: tuple[()], a_prev: tuple[A, A], context: Context) -> AddSaved:
        """a = f + skip, for the pair (f, skip)."""
        f, skip = a_prev
        a = f + skip
        return AddSaved(skip, a)

    def error(self, saved: AddSaved, g: A) -> A:
        """Return g: the derivative of a sum is 1."""
        return g

    def send_back(self, parameters: tuple[()], saved: AddSaved, delta: A) -> A:
        """Return delta, for both inputs."""
        return delta

    # The equations differentiated once

    def r_forward(
        self, parameters: tuple[()], v: tuple[()], saved: AddSaved, ra_prev: tuple[Any, Any]
    ) -> Any:
        """R{f} + R{skip}; None stands for 0."""
        f, skip = ra_prev
        if f is None or skip is None:
            return skip if f is None else f
        return f + skip

    def r_output(self, saved: AddSaved, moved: Any) -> Any:
        """R{a}: what `r_forward` returned."""
        return moved

    def r_error(self, saved: AddSaved, moved: Any, g: Any, rg: A) -> A:
        """Return R{g}."""
        return rg

    def r_send_back(
        self,
        parameters: tuple[()],
        v: tuple[()],
        saved: AddSaved,
        moved: Any,
        delta: A,
        rdelta: A,
    ) -> A:
        """Return R{delta}, for both inputs."""
        return rdelta

    def r_gradients(
        self, r: Any, saved: AddSaved, moved: Any, delta: A, rdelta: A
    ) -> tuple[()]:
        """Return ``()``: it has no parameters."""
        return ()
