"""The parts of a network that are a user's own: one of them is why a recording fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from bpx.activations import ACTIVATIONS
from bpx.costs import built_in
from bpx.errors import RecordingError
from bpx.layers import LAYERS
from bpx.model.spec import Spec

__all__ = ["named", "own_parts"]


@contextmanager
def named(spec: Spec) -> Iterator[None]:
    """Name the user's parts in the error of a recording that fails meanwhile."""
    try:
        yield
    except RecordingError as error:
        own = ", ".join(own_parts(spec)) or "the optimizer"
        raise RecordingError(
            f"{error}. C is written from a recording, and one of your parts cannot be "
            f"recorded: {own}"
        ) from error


def own_parts(spec: Spec) -> Iterator[str]:
    """Yield what each part of a network that is not built in is called."""
    layers = (each for each in spec.layers if LAYERS.get(each.kind) is not type(each))
    sigmas = (each.activation for each in spec.dense)
    others = (each for each in sigmas if each != ACTIVATIONS.get(each.name))
    yield from dict.fromkeys(f"the layer {each.kind!r}" for each in layers)
    yield from dict.fromkeys(f"the activation {each.name!r}" for each in others)
    if built_in(spec.cost.name) != spec.cost:
        yield f"the cost {spec.cost.name!r}"
