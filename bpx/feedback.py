"""Rules for how BP2 sends errors back: by the transposed weights, or in another way.

Backpropagation gives layer l the error ((w^{l+1})^T delta^{l+1}) ⊙ sigma'(z^l). A rule replaces
(w^{l+1})^T delta^{l+1}. Most rules replace w^{l+1} by another matrix B^l of the same shape; a
direct rule applies a matrix of shape (k_L, k_l) to the output's error delta^L. BP1, BP3 and BP4
stay as they are, unless a rule of your own replaces BP3 and BP4, too.

The arrays that a rule draws, one for each hidden layer, belong to the network as its weights
do: ``net.feedback``. Each paper scales its matrices in its own way; here all of them have the
scale c = sqrt(2 / (rows + columns)) of a Glorot matrix, where c² is the mean square.

T. Lillicrap et al., "Random synaptic feedback weights support error backpropagation for deep
learning" (2016). A. Nøkland, "Direct feedback alignment provides learning in deep neural
networks" (2016). Q. Liao, J. Leibo, T. Poggio, "How important is weight symmetry in
backpropagation?" (2016). J. Kolen, J. Pollack, "Backpropagation without weight transport"
(1994); M. Akrout et al., "Deep learning without weight transport" (2019).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any, Literal, TypeAlias

from bpx._typing import A, Array
from bpx.arrays.registry import namespace
from bpx.equations import sent
from bpx.errors import InputError, advice, nearest
from bpx.program.marks import equation
from bpx.random import uniform

__all__ = [
    "FEEDBACKS",
    "Feedback",
    "FeedbackName",
    "Send",
    "brsf",
    "dfa",
    "fa",
    "frsf",
    "get",
    "glorot",
    "kp",
    "magnitudes",
    "transpose",
    "usf",
]

Send = Callable[[Any, Any, Any], Any]
"""``send(w, delta, B) -> g``: see `Feedback`."""
Local = Callable[[Any, Any], Any]
Learn = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Feedback:
    """A rule for the error of a layer, for the gradients of its weights, or for both.

    Give one of `matrix`, `send` and `local` to replace BP2, `gradients` to replace BP3 and BP4,
    or both. Without the first three, BP2 stays as it is. For layer l, `matrix` and `send` get
    ``w``, the weights w^{l+1}, ..., w^L, and the layer's own array B, which is None if the rule
    draws nothing. `local` and `gradients` get a `bpx.LayerView`.

    Parameters
    ----------
    name : str
        The name under which it is shown and saved.
    matrix : callable, optional
        ``matrix(w, B)``, an array of the shape of ``w[0]``, which it replaces in BP2; of
        shape (k_L, k_l) if the rule is direct.
    send : callable, optional
        ``send(w, delta, B) -> g``, shape (n, k_l), for a rule without a matrix. ``delta``
        holds the errors of the same layers: ``delta[0]`` of the next one, ``delta[-1]`` of the
        output. As in BP2, the activation's pullback turns g into delta^l.
    local : callable, optional
        ``local(layer, delta) -> g``, shape (n, k_l), for a rule that also sees its own layer
        and the targets: ``layer`` is a `bpx.LayerView`, and ``delta`` is as for `send`.
    gradients : callable, optional
        ``gradients(layer, delta, r) -> (dw, db)``, of the shapes of ``layer.w`` and
        ``layer.b``, which the optimizer takes as the gradients of a Dense layer, in place of
        BP4 and BP3; db is None where ``layer.b`` is. ``delta`` is the layer's own error, shape
        (n, k_l), and ``r`` the row weights: a number, such as 1/n, or a column (n, 1). Return
        None to keep BP4 and BP3 for the layer. It is called for the output layer, too.
    draw : callable, optional
        ``draw(rng, rows, columns)`` -> host array, float64, of that shape, from a host
        generator: B before training.
    redrawn : bool, optional
        Whether B is instead a key of `bpx.random` and a step counter, shape (3,), int32,
        from which the functions draw anew at each step: see `magnitudes`. With `gradients`,
        the output layer has one as well.
    direct : bool, optional
        Whether the output's error goes straight to every hidden layer: B has k_L rows.
    learns : bool, optional
        Whether B is updated like w^{l+1}, with its gradient, its penalty and its optimizer.

    Raises
    ------
    InputError
        If the arguments contradict each other.

    Notes
    -----
    Define the functions in a module, so that networks can be pickled, and write them as you
    would an activation's: see `bpx.Elementwise`.

    Examples
    --------
    >>> def halved(w, delta, B):
    ...     return 0.5 * (delta[0] @ w[0])
    >>> net = bpx.Network([2, 3, 1], feedback=halved, seed=0)
    >>> net.spec.feedback.name
    'halved'
    """

    name: str
    matrix: Callable[[Any, Any], Any] | None = None
    send: Send | None = None
    local: Local | None = None
    gradients: Learn | None = None
    draw: Callable[[Any, int, int], Any] | None = None
    redrawn: bool = False
    direct: bool = False
    learns: bool = False

    def __repr__(self) -> str:
        return f"<bpx.feedback.Feedback {self.name!r}>"

    def __post_init__(self) -> None:
        errors = [name for name in ("matrix", "send", "local") if getattr(self, name)]
        if self.gradients is not None and not errors:
            object.__setattr__(self, "matrix", _weights)
        elif len(errors) != 1:
            raise InputError(
                f"the feedback {self.name!r} was given {' and '.join(errors) or 'no function'};"
                " expected one of matrix, send and local, or gradients, or both"
            )
        if self.redrawn and self.draw is not None:
            raise InputError(
                f"the feedback {self.name!r} was given draw and redrawn; expected one of them"
            )
        if self.direct and (not errors or (self.draw is None and self.matrix is None)):
            raise InputError(
                f"the feedback {self.name!r} was given direct=True; it needs matrix, or draw "
                "and send or local"
            )
        if self.learns and (self.matrix is None or self.draw is None or self.direct):
            raise InputError(
                f"the feedback {self.name!r} was given learns=True; it needs matrix and draw "
                "as well, and direct=False, so that B has the shape of the weights"
            )

    def shapes(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes of the layers' arrays in a network of widths k_0, ..., k_L."""
        if self.redrawn:
            return [(3,)] * (len(sizes) - (1 if self.gradients else 2))
        if self.draw is None:
            return []
        return [(sizes[-1] if self.direct else k, k_l) for k_l, k in pairwise(sizes[1:])]

    def drawn(self, rng: Any, *shape: int) -> Any:
        """Draw a layer's array before training: a host array, from a host generator."""
        if self.draw is not None:
            return self.draw(rng, *shape)
        key = rng.integers(-(2**31), 2**31, 3, dtype="int32")
        key[2] = 0  # the counter
        return key

    @equation("g^l", "{self.name}", of="a")
    @equation("B^l", "{self.name}", of="a")
    def sent(
        self, a: A, w: tuple[A, ...], delta: tuple[A, ...], B: A | None, view: Callable[[], Any]
    ) -> A:
        """The signal g, shape (n, k_l), which replaces (w^{l+1})^T delta^{l+1} in BP2."""
        g: A
        if self.matrix is not None:
            B = self.matrix(w, B)
            return sent(B, delta[-1 if self.direct else 0])
        if self.send is not None:
            g = self._checked("send", self.send(w, delta, B), a)
        else:
            assert self.local is not None
            g = self._checked("local", self.local(view(), delta), a)
        return g

    def _checked(self, function: str, g: A, a: A) -> A:
        if getattr(g, "shape", None) != a.shape:
            given = f"shape {tuple(g.shape)}" if hasattr(g, "shape") else repr(g)
            raise InputError(
                f"{function} of the feedback {self.name!r} gave {given}; expected "
                f"{tuple(a.shape)}, a row for each sample and a column for each unit of the "
                "layer"
            )
        return g

    def after_a_step(self, arrays: tuple[A, ...]) -> tuple[A, ...]:
        """The layers' arrays for the next step, with counters advanced by 1."""
        return tuple(map(_counted, arrays)) if self.redrawn else arrays


def _counted(B: A) -> A:
    xp = namespace(B)
    place = xp.arange(3, dtype=xp.int32, device=getattr(B, "device", None))
    counted: A = B + xp.astype(place == 2, xp.int32)
    return counted


def glorot(rng: Any, rows: int, columns: int) -> Any:
    """Draw normal numbers of variance c² = 2 / (rows + columns), float64, on the host."""
    return _scale(rows, columns) * rng.standard_normal((rows, columns))


def magnitudes(B: A, shape: tuple[int, int], dtype: Any) -> A:
    """Draw uniform magnitudes in [0, c sqrt(3)) by key and step, the same on every backend.

    Parameters
    ----------
    B : array, shape (3,), int32
        A layer's array, of a rule that is `redrawn`.
    shape : pair of int
        Rows and columns.
    dtype : dtype of the array's library
        A real floating dtype.
    """
    return sqrt(3.0) * _scale(*shape) * uniform(B[:2], B[2:], shape, dtype)


def _scale(rows: int, columns: int) -> float:
    return sqrt(2.0 / (rows + columns))


def _uniform_magnitudes(rng: Any, rows: int, columns: int) -> Any:
    return sqrt(3.0) * _scale(rows, columns) * rng.uniform(size=(rows, columns))


def _weights(w: tuple[Array, ...], B: None) -> Array:
    return w[0]


def _drawn(w: tuple[Array, ...], B: Array) -> Array:
    return B


def _signs(w: tuple[Array, ...], B: None) -> Array:
    return _scale(*w[0].shape[-2:]) * namespace(w[0]).sign(w[0])


def _signed(w: tuple[Array, ...], B: Array) -> Array:
    return B * namespace(w[0]).sign(w[0])


def _signed_anew(w: tuple[Array, ...], B: Array) -> Array:
    rows, columns = w[0].shape[-2:]
    return magnitudes(B, (rows, columns), w[0].dtype) * namespace(w[0]).sign(w[0])


transpose = Feedback("transpose", matrix=_weights)
"""Backpropagation: w^{l+1} itself."""
fa = Feedback("fa", matrix=_drawn, draw=glorot)
"""Feedback alignment (Lillicrap et al. 2016): B^l is random and fixed."""
dfa = Feedback("dfa", matrix=_drawn, draw=glorot, direct=True)
"""Direct feedback alignment (Nøkland 2016): B^l is random, fixed, and applied to delta^L."""
usf = Feedback("usf", matrix=_signs)
"""Uniform sign-concordant feedback (Liao et al. 2016): c sign(w^{l+1})."""
brsf = Feedback("brsf", matrix=_signed_anew, redrawn=True)
"""Batchwise random magnitudes (Liao et al. 2016): M ∘ sign(w^{l+1}), where M is uniform in
[0, c sqrt(3)) and drawn anew at each step."""
frsf = Feedback("frsf", matrix=_signed, draw=_uniform_magnitudes)
"""Fixed random magnitudes (Liao et al. 2016): M ∘ sign(w^{l+1}), where M is as in `brsf`, but
drawn once."""
kp = Feedback("kp", matrix=_drawn, draw=glorot, learns=True)
"""Kolen and Pollack (1994; Akrout et al. 2019): B^l starts at random and is updated
like w^{l+1}, with the same gradient and the same decay, so that with lmbda > 0 the two
converge."""

FEEDBACKS = {each.name: each for each in (transpose, fa, dfa, usf, brsf, frsf, kp)}
"""The built-in rules by name."""

FeedbackName: TypeAlias = Literal["transpose", "fa", "dfa", "usf", "brsf", "frsf", "kp"]
"""The keys of `FEEDBACKS`, for type checkers and editors."""


def get(feedback: FeedbackName | Feedback | Send) -> Feedback:
    """Return the rule with that name, the value itself, or a function `send` as a rule.

    Raises
    ------
    InputError
        If the name is not a key of `FEEDBACKS`, or the value is not a rule or a function.
    """
    if isinstance(feedback, Feedback):
        return feedback
    if callable(feedback) and not isinstance(feedback, type):
        return Feedback(getattr(feedback, "__name__", type(feedback).__name__), send=feedback)
    if not isinstance(feedback, str) or feedback not in FEEDBACKS:
        raise InputError(
            f"there is no feedback {feedback!r}{nearest(str(feedback), FEEDBACKS)}; known: "
            f"{', '.join(FEEDBACKS)}"
            + advice("; or pass a bpx.feedback.Feedback, or a function", "")
        )
    return FEEDBACKS[feedback]
