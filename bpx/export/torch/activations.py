"""Which modules of PyTorch are activations of bpx, for the ways there and back.

PyTorch's classes are named, so that importing this imports no PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bpx import activations
from bpx.activations import Activation

__all__ = ["COUNTERPARTS", "Counterpart"]


def _always(module: Any) -> bool:
    return True


@dataclass(frozen=True)
class Counterpart:
    """An activation of bpx, and the module of PyTorch that computes it.

    Attributes
    ----------
    sigma : Activation
    kind : str
        The name of the module's class.
    arguments : mapping of str to value
        With which the class makes the module.
    fits : callable
        Whether a module of this class is the activation.
    expected : str
        What a module that is not should have had.
    """

    sigma: Activation
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fits: Callable[[Any], bool] = _always
    expected: str = ""


COUNTERPARTS = (
    Counterpart(activations.sigmoid, "Sigmoid"),
    Counterpart(activations.tanh, "Tanh"),
    Counterpart(activations.relu, "ReLU"),
    Counterpart(activations.silu, "SiLU"),
    Counterpart(
        activations.leaky_relu,
        "LeakyReLU",
        {"negative_slope": 0.01},
        lambda m: m.negative_slope == 0.01,
        "negative_slope=0.01",
    ),
    Counterpart(activations.elu, "ELU", {}, lambda m: m.alpha == 1.0, "alpha=1.0"),
    Counterpart(
        activations.softplus,
        "Softplus",
        # From the threshold on PyTorch takes z itself, which at 20 is 2e-9 from
        # log(1 + exp(z)), and at 40 equal to it in float64.
        {"threshold": 40.0},
        lambda m: m.beta == 1.0 and m.threshold >= 20.0,
        "beta=1.0 and a threshold of at least 20",
    ),
    Counterpart(
        activations.gelu_tanh,
        "GELU",
        {"approximate": "tanh"},
        lambda m: m.approximate == "tanh",
        "approximate='tanh'; with 'none' it is another function, by up to 5e-4",
    ),
    Counterpart(
        activations.softmax, "Softmax", {"dim": -1}, lambda m: m.dim in (-1, 1), "dim=-1"
    ),
)
"""Each activation that PyTorch has a module for, besides the identity."""
