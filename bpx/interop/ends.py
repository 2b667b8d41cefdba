"""How a network that another program made ends: the last activation, and the cost.

Other programs' losses often contain the activation, so that their models end with the logits,
and their models have no cost.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bpx.activations import ACTIVATIONS, Activation, ActivationName, identity
from bpx.costs import CostName
from bpx.errors import InputError
from bpx.layers.dense import Dense

__all__ = ["ended", "usual_cost"]

_PROBABILITIES = ACTIVATIONS["softmax"], ACTIVATIONS["sigmoid"]


def ended(
    layers: Sequence[Any], output: ActivationName | Activation | None, last: str
) -> list[Any]:
    """Return the layers with the output's activation that the caller chose.

    Parameters
    ----------
    layers : sequence of layers
    output : str, Activation or None
        None for the activation that the last layer has. A last layer that is not `Dense` is
        left as it is, for `make_spec` to refuse.
    last : str
        What the last layer was read from, for messages.

    Raises
    ------
    InputError
        If the last layer has an activation already, or this one is unknown.
    """
    *before, layer = layers
    if output is None or not isinstance(layer, Dense):
        return list(layers)
    if layer.activation != identity:
        given = getattr(output, "name", output)
        raise InputError(
            f"output={given!r} was given, but {last} has the activation "
            f"{layer.activation.name!r} already; omit output"
        )
    chosen: Any = output  # a Dense takes its name, too
    return [*before, replace(layer, activation=chosen)]


def usual_cost(layers: Sequence[Any]) -> CostName:
    """Return the cost of layers that have none: the cross-entropy of probabilities.

    Behind any other output than a softmax or a sigmoid it is the quadratic cost.
    """
    output = getattr(layers[-1], "activation", None)
    return "cross_entropy" if output in _PROBABILITIES else "quadratic"
