"""`LayerNorm`: standardise the units of each sample, then scale and shift each unit.

With the mean mu and the variance v of a sample's k units, x_hat = (a_prev − mu) rho,
rho = 1 / sqrt(v + epsilon), and a = gamma ⊙ x_hat + beta. Samples do not interact, so training
and prediction compute the same. delta is dC_x/da, and with h = gamma ⊙ delta the layer sends
back rho (h − mean h − x_hat mean(h ⊙ x_hat)), where the means are over the units.
J. Ba, J. Kiros, G. Hinton, "Layer normalization" (2016).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import A
from bpx._validate import NORMAL, number, whole
from bpx.arrays.host import as_host
from bpx.arrays.registry import namespace
from bpx.equations import bp3
from bpx.layers.layer import Context
from bpx.program.marks import equation

__all__ = ["LayerNorm", "LayerNormMoved", "LayerNormParameters", "LayerNormSaved"]


class LayerNormParameters(NamedTuple):
    """The parameters of a `LayerNorm`, or their gradients.

    Attributes
    ----------
    gamma, beta : arrays, shape (k,)
        The scale and the shift of each unit. No penalty falls on them.
    """

    gamma: Any
    beta: Any


class LayerNormSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    x_hat : array, shape (n, k)
        The standardised input.
    rho : array, shape (n, 1)
        1 / sqrt(v + epsilon) of each sample.
    a : array, shape (n, k)
    """

    x_hat: Any
    rho: Any
    a: Any

    @equation("dgamma^l", "BP4", of="self.x_hat")
    @equation("dbeta^l", "BP3", of="self.x_hat")
    def gradients(self, r: Any, delta: A) -> LayerNormParameters:
        """dC/dgamma = sum_x r_x delta_x ⊙ x_hat_x, and BP3 for beta."""
        dgamma, dbeta = bp3(r, delta * self.x_hat), bp3(r, delta)
        return LayerNormParameters(dgamma, dbeta)

    # The terms that the sums over samples add up: grad_x = (delta_x ⊙ x_hat_x, delta_x)

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = sum_j delta_j² (x_hat_j² + 1), shape (n,)."""
        norms: A = namespace(delta).sum(
            delta * delta * (self.x_hat * self.x_hat + 1.0), axis=-1
        )
        return norms

    def inner_products(self, delta: A, other: "LayerNormSaved", delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, m)."""
        scales: A = (delta * self.x_hat) @ (delta_other * other.x_hat).mT
        return scales + delta @ delta_other.mT

    def individual(self, delta: Any) -> LayerNormParameters:
        """grad_x for each sample, both of shape (n, k)."""
        return LayerNormParameters(delta * self.x_hat, delta)

    def along(self, v: LayerNormParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        moved = v.gamma * self.x_hat + v.beta
        product: A = namespace(delta).sum(delta * moved, axis=-1, keepdims=True)
        return product

    def squared(self) -> "LayerNormSaved":
        """Square x_hat, so that the gradients of squared deltas sum squared gradients."""
        return self._replace(x_hat=self.x_hat * self.x_hat)


class LayerNormMoved(NamedTuple):
    """R{x_hat}, R{rho} and R{a}; the first two are None for 0."""

    x_hat: Any
    rho: Any
    a: Any


@dataclass(frozen=True)
class LayerNorm:
    """Standardise the units of a sample: a = gamma ⊙ (a_prev − mu) / sqrt(v + epsilon) + beta.

    mu and v are the mean and the variance of the sample's own units. gamma and beta are
    learned, and start at 1 and 0. The layer does the same in training and in prediction.

    Parameters
    ----------
    width : int
        k, the width of input and output, at least 2.
    epsilon : float, optional
        What is added to the variance; at least 2^-126, the smallest normal number of
        float32.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    J. Ba, J. Kiros, G. Hinton, "Layer normalization" (2016). The sum of squares is divided by
    k, as in PyTorch and Keras.

    Examples
    --------
    >>> net = bpx.Network([784, 30, 10], norm="layer", seed=0)
    >>> net.spec.layers[1]
    LayerNorm(width=30, epsilon=1e-05)
    """

    width: int
    epsilon: float = 1e-5

    kind: ClassVar[str] = "layer_norm"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    bends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        expected = (
            "a whole number of at least 2: a single unit is its own mean, so it is always "
            "0 when standardised"
        )
        width = whole("width", self.width, 2, None, expected)
        epsilon = number("epsilon", self.epsilon, *NORMAL)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "epsilon", epsilon)

    @property
    def n_in(self) -> int:
        """The width."""
        return self.width

    @property
    def n_out(self) -> int:
        """The width."""
        return self.width

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of gamma and beta."""
        return {"gamma": (self.width,), "beta": (self.width,)}

    def entry(self, arrays: Mapping[str, Any]) -> LayerNormParameters:
        """``(gamma, beta)``."""
        return LayerNormParameters(arrays["gamma"], arrays["beta"])

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """gamma = 1 and beta = 0, whatever the initializer."""
        return {
            "gamma": as_host([1.0] * self.width, "gamma"),
            "beta": as_host([0.0] * self.width, "beta"),
        }

    @equation("x_hat^l", "layer_norm", of="a_prev")
    @equation("rho^l", "layer_norm", of="a_prev")
    def forward(
        self, parameters: LayerNormParameters, a_prev: Any, context: Context
    ) -> LayerNormSaved:
        """x_hat = (a_prev − mu) / sqrt(v + epsilon), a = gamma ⊙ x_hat + beta."""
        xp = namespace(a_prev)
        centred = a_prev - xp.mean(a_prev, axis=-1, keepdims=True)
        v = xp.mean(centred * centred, axis=-1, keepdims=True)
        rho = 1.0 / xp.sqrt(v + self.epsilon)
        x_hat = rho * centred
        return LayerNormSaved(x_hat, rho, parameters.gamma * x_hat + parameters.beta)

    def error(self, saved: LayerNormSaved, g: A) -> A:
        """Return g: delta is dC_x/da."""
        return g

    def send_back(self, parameters: LayerNormParameters, saved: LayerNormSaved, delta: A) -> A:
        """rho (h − mean h − x_hat mean(h ⊙ x_hat)), h = gamma ⊙ delta."""
        return saved.rho * _projected(saved.x_hat, parameters.gamma * delta)

    # The equations differentiated once, for a direction v of (gamma, beta)

    def r_forward(
        self,
        parameters: LayerNormParameters,
        v: LayerNormParameters,
        saved: LayerNormSaved,
        ra_prev: Any,
    ) -> LayerNormMoved:
        """R{x_hat} = rho (R{a_prev} − mean R{a_prev} − x_hat mean(x_hat ⊙ R{a_prev}))."""
        ra = v.gamma * saved.x_hat + v.beta
        if ra_prev is None:
            return LayerNormMoved(None, None, ra)
        rx_hat = saved.rho * _projected(saved.x_hat, ra_prev)
        # The mean of x_hat is 0, so the mean of R{a_prev} adds nothing.
        rrho = -saved.rho * saved.rho * _mean(saved.x_hat * ra_prev)
        return LayerNormMoved(rx_hat, rrho, ra + parameters.gamma * rx_hat)

    def r_output(self, saved: LayerNormSaved, moved: LayerNormMoved) -> Any:
        """R{a} = v_gamma ⊙ x_hat + gamma ⊙ R{x_hat} + v_beta."""
        return moved.a

    def r_error(self, saved: LayerNormSaved, moved: LayerNormMoved, g: Any, rg: A) -> A:
        """R{g}."""
        return rg

    def r_send_back(
        self,
        parameters: LayerNormParameters,
        v: LayerNormParameters,
        saved: LayerNormSaved,
        moved: LayerNormMoved,
        delta: A,
        rdelta: A,
    ) -> A:
        """Apply the product rule to `send_back`."""
        h, x_hat = parameters.gamma * delta, saved.x_hat
        rh = v.gamma * delta + parameters.gamma * rdelta
        sent: A = saved.rho * _projected(x_hat, rh)
        if moved.x_hat is None:
            return sent
        turned = moved.x_hat * _mean(h * x_hat) + x_hat * _mean(h * moved.x_hat)
        return sent - saved.rho * turned + moved.rho * _projected(x_hat, h)

    def r_gradients(
        self, r: Any, saved: LayerNormSaved, moved: LayerNormMoved, delta: A, rdelta: A
    ) -> LayerNormParameters:
        """R{dC/dgamma} = sum_x r_x (R{delta} ⊙ x_hat + delta ⊙ R{x_hat}), and R3 for beta."""
        found = saved.gradients(r, rdelta)
        if moved.x_hat is None:
            return found
        return found._replace(gamma=found.gamma + bp3(r, delta * moved.x_hat))


def _projected(x_hat: A, h: A) -> A:
    """h − mean h − x_hat mean(h ⊙ x_hat): without its parts along 1 and along x_hat."""
    return h - _mean(h) - x_hat * _mean(h * x_hat)


def _mean(x: A) -> A:
    mean: A = namespace(x).mean(x, axis=-1, keepdims=True)
    return mean
