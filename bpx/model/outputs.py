"""The outputs of a network for samples, and the classes that they decide for."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bpx._typing import Array
from bpx.activations import ACTIVATIONS
from bpx.arrays.registry import backend_of, compiled, namespace
from bpx.errors import InputError, advice
from bpx.model.expected import as_inputs
from bpx.model.inputs import chunks
from bpx.model.measured import decided
from bpx.model.metrics import Accuracy, single_rule
from bpx.model.parameters import Parameters
from bpx.model.run import layer_by_layer
from bpx.model.spec import Spec

__all__ = ["are_probable", "check_classes", "classes", "joined", "outputs"]


def outputs(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of samples at home, shape (n, k_L), in chunks, which keep the hidden layers small."""
    parts = chunks(spec, x)
    first = next(parts)
    if first is x:
        return _at_once(spec, parameters, x)
    answer = compiled(_answer, 1, x)
    return joined(
        (answer(spec, parameters, part) for part in chain((first,), parts)), x.shape[0]
    )


def _at_once(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of few enough samples; parts of a user's own run each time, and may do anything."""
    if spec.is_own:
        found = parameters.repeats(_Outputs(spec), parameters, x)
        if found is not None:
            return found
    whole: Array = compiled(_answer, 1, x)(spec, parameters, x)
    return whole


@dataclass(frozen=True)
class _Outputs:
    """a^L of samples, as a function of the parameters and these."""

    spec: Spec

    def __call__(self, parameters: Parameters, x: Array) -> Array:
        return _answer(self.spec, parameters, x)


def joined(parts: Iterator[Array], n: int) -> Array:
    """Join the results for chunks of n samples, in their order."""
    first = next(parts)
    if first.shape[0] == n:
        return first
    if getattr(backend_of(first), "immutable", True):
        whole: Array = namespace(first).concat([first, *parts])
        return whole
    return _written(first, parts, n)


def _written(first: Array, parts: Iterator[Array], n: int) -> Array:
    """Write each part into one array as soon as it is computed.

    Keeping the parts in a list would scatter them between large temporary arrays, so that the
    system could not reuse that memory. This can cost as much as all these arrays together.
    """
    device, end = getattr(first, "device", None), first.shape[0]
    shape = n, *first.shape[1:]
    whole: Any = namespace(first).empty(shape, dtype=first.dtype, device=device)
    whole[:end, ...] = first
    del first
    for part in parts:
        whole[end : end + part.shape[0], ...] = part
        end += part.shape[0]
    return whole


def _answer(spec: Spec, parameters: Parameters, x: Array) -> Array:
    *_, last = layer_by_layer(spec, parameters, as_inputs(x, parameters.like))
    return last.a


def classes(a: Array, single: Accuracy = "threshold") -> Array:
    """The class of each row: see `bpx.model.measured.decided`."""
    return decided(a, single)


def are_probable(spec: Spec) -> bool:
    """Whether each output can be a probability, between 0 and 1, and is not just a score."""
    return getattr(spec.output, "reach", None) == (0.0, 1.0)


def check_classes(spec: Spec) -> None:
    """Refuse to classify by a single output that is not a probability.

    Raises
    ------
    InputError
        Naming the output's activation. A custom activation is never refused.
    """
    output = spec.output
    built_in = ACTIVATIONS.get(output.name) == output
    if spec.sizes[-1] == 1 and built_in and single_rule(spec) is None:
        raise InputError(
            f"{advice('classify was called on', '--labels was given for')} a network with one "
            f"output, {output.name!r}, which gives numbers instead of classes: "
            + advice(
                "use predict, or output='sigmoid'",
                "omit it, or train one with --output sigmoid",
            )
        )
