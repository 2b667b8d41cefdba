"""What a network answers: its outputs, in chunks, and the classes that they mean."""

from bpx._typing import Array
from bpx.activations import ACTIVATIONS
from bpx.backend import compiled, namespace
from bpx.boundary import chunks
from bpx.errors import InputError
from bpx.passes import zs_and_activations
from bpx.spec import Parameters, Spec

__all__ = ["check_classes", "classes", "outputs"]


def outputs(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of samples at home, shape (n, k_L): in chunks, so that the hidden ones stay small."""
    answer = compiled(_answer, 1, x)
    parts = [answer(spec, parameters, part) for part in chunks(spec, x)]
    return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)


def _answer(spec: Spec, parameters: Parameters, x: Array) -> Array:
    return zs_and_activations(spec, parameters, x)[1][-1]


def classes(a: Array) -> Array:
    """The largest output of each row, or whether a single one is above 1/2: (n,), int32."""
    xp = namespace(a)
    labels = xp.argmax(a, axis=1) if a.shape[1] > 1 else a[:, 0] > 0.5
    return xp.astype(labels, xp.int32)


def check_classes(spec: Spec) -> None:
    """Refuse to classify by a single output that is a number and no probability.

    Raises
    ------
    InputError
        Naming the output's activation. One of the caller's own is not second-guessed.
    """
    output = spec.output
    built_in = ACTIVATIONS.get(output.name) == output
    if spec.sizes[-1] == 1 and built_in and output.name != "sigmoid":
        raise InputError(
            f"classify was called on a network with one output, {output.name!r}, which gives "
            "numbers and no classes: use predict, or output='sigmoid'"
        )
