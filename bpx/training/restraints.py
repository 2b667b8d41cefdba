"""What layers add to an update: a penalty's gradient before it, a constraint after it.

A layer with `penalises` adds to its gradient before the optimizer gets it, and after the
clipping and the noise of private training. A layer with `constrains` changes its parameters
once the update is added to them. A matrix B^l that a feedback learns takes the place of
w^{l+1}, so the Dense layer of w^{l+1} treats it as its own w.
"""

from typing import Any, TypeVar

from bpx.layers.dense import DenseParameters
from bpx.model.parameters import Gradients, Parameters
from bpx.model.spec import Spec

__all__ = ["constrained", "constrains", "penalised"]

Group = TypeVar("Group", Parameters, Gradients)


def penalised(spec: Spec, gradients: Gradients, parameters: Parameters) -> Gradients:
    """Add the gradients of the layers' own penalties, if any layer has one.

    Parameters
    ----------
    spec : Spec
    gradients, parameters
        The entries of the layers, then each B that the feedback learns.
    """
    return _by_layer("penalises", "penalised", spec, gradients, parameters)


def constrained(spec: Spec, parameters: Parameters) -> Parameters:
    """Apply the layers' own constraints to parameters that were moved, if any layer has one."""
    return _by_layer("constrains", "constrained", spec, parameters)


def constrains(spec: Spec) -> bool:
    """Whether a layer changes its parameters after an update."""
    return any(getattr(layer, "constrains", False) for layer in spec.layers)


def _by_layer(asks: str, method: str, spec: Spec, group: Group, *others: Parameters) -> Group:
    """Apply a method to the entries of the layers that ask for it, and to their B."""
    depth = len(spec.layers)
    owners = (*spec.layers, *spec.dense[1:])[: len(group.layers)]
    if not any(getattr(layer, asks, False) for layer in owners):
        return group
    made: list[Any] = []
    trees = zip(owners, group.layers, *(each.layers for each in others), strict=True)
    for i, (layer, entry, *rest) in enumerate(trees):
        if not getattr(layer, asks, False):
            made.append(entry)
        elif i < depth:
            made.append(getattr(layer, method)(entry, *rest))
        else:
            as_w = (DenseParameters(each.B) for each in (entry, *rest))
            made.append(entry._replace(B=getattr(layer, method)(*as_w).w))
    return type(group)(made)
