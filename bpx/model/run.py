"""The forward pass, layer by layer, and the values that the backward pass may use."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.errors import InputError
from bpx.layers.dense import DenseSaved
from bpx.layers.layer import Context
from bpx.model.parameters import Parameters
from bpx.model.skips import fed
from bpx.model.spec import Spec
from bpx.model.trace import Forward
from bpx.model.view import LayerView
from bpx.program.marks import aside, symbols

__all__ = ["Randomness", "Run", "costs", "in_training", "layer_by_layer", "outside", "saved"]


class Randomness(NamedTuple):
    """The keys and the step counter for the random numbers of a training step.

    Attributes
    ----------
    keys : tuple of arrays, shape (2,), int32, or None
        One key for each layer, for `bpx.random`; None for a layer that draws nothing.
    step : array, shape (1,), int32
        The number of training steps so far.
    """

    keys: tuple[Any, ...]
    step: Any

    def counted(self) -> "Randomness":
        """Return the same keys with the counter of the next step."""
        return self._replace(step=self.step + 1)


_OUTSIDE = Context()


def outside(i: int) -> Context:
    """The context of ``layers[i]`` outside training."""
    return _OUTSIDE


def layer_by_layer(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    contexts: Callable[[int], Context] = outside,
    first: int = 0,
    carried: Mapping[int, Array] | None = None,
) -> Iterator[Any]:
    """Run the layers forward, and yield the values that each one saves.

    Parameters
    ----------
    spec, parameters, x
        As for `bpx.forward`.
    contexts : callable, optional
        ``contexts(i)`` is the context of ``layers[i]``. By default it says that this is not
        training. See `in_training`.
    first : int, optional
        The layer that x enters: ``layers[first]``.
    carried : mapping of int to array, optional
        What the skips that begin below that layer carry, by the index of their `Add`.
    """
    a, skips, skipping = x, spec.skips, dict(carried or {})
    for i in range(first, len(spec.layers)):
        entering = fed(skips, i, a, skipping) if skips else a
        kept = _forward(spec.layers[i], parameters.layers[i], entering, contexts(i))
        yield kept
        a = kept.a


@symbols(label="{layer.kind}")
def _forward(layer: Any, entry: Any, a: Any, context: Context) -> Any:
    return layer.forward(entry, a, context)


def saved(spec: Spec, parameters: Parameters, x: Array) -> tuple[Any, ...]:
    """The values that each layer saves in a forward pass outside training."""
    return tuple(layer_by_layer(spec, parameters, x))


def in_training(
    randomness: Randomness | None,
    i: int,
    r: Any = None,
    rows: tuple[int, int] | None = None,
) -> Context:
    """The context of ``layers[i]`` in a training step; pass None if no layer draws.

    r are the row weights, a column; None if all samples count equally.
    """
    if randomness is None:
        return Context(True, r=r, rows=rows)
    return Context(True, randomness.keys[i], randomness.step, r, rows)


def costs(spec: Spec, output: DenseSaved, y: Array) -> Array:
    """C_x of each sample, shape (n,), from the last layer's values; y has shape (n, k_L)."""
    value, shape = spec.cost.evaluate(spec.output, output.z, output.a, y), output.a.shape[:-1]
    if getattr(value, "shape", None) not in (shape, y.shape[:-1]):
        given = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise InputError(
            f"value of the cost {spec.cost.name!r} gave {given}; expected shape "
            f"{tuple(shape)}, one number for each sample, such as a sum over axis=-1"
        )
    return value


class Run(NamedTuple):
    """A forward pass, with the values that the backward pass may use.

    Attributes
    ----------
    spec, parameters
        Those of the network.
    layers : tuple of named tuples of arrays
        The values that each layer saved.
    y : array, shape (n, k_L), or None
        The targets as numbers; None is enough if errors go back through the transpose.
    feedback : tuple of arrays
        The arrays that the spec's feedback has drawn.
    contexts : callable
        ``contexts(i)`` is the context that ``layers[i]`` got.
    """

    spec: Spec
    parameters: Parameters
    layers: tuple[Any, ...]
    y: Any = None
    feedback: tuple[Array, ...] = ()
    contexts: Callable[[int], Context] = outside

    def view(self, number: int) -> LayerView:
        """A Dense layer as a feedback's rule sees it, by its number, counted from 1."""
        passed, w = Forward(self.layers), self.parameters.w
        kept = passed.dense[number - 1]
        return LayerView(
            number=number,
            w=w[number - 1],
            b=self.parameters.b[number - 1],
            a_prev=kept.a_prev,
            z=kept.z,
            a=passed.a[number],
            y=self.y,
            above=w[number:],
            B=self.array(number),
            cost=lambda z: self._cost(number, z),
        )

    def array(self, number: int) -> Array | None:
        """The feedback's array for the Dense layer with that number, or None."""
        return self.feedback[number - 1] if number <= len(self.feedback) else None

    def carried(self, first: int) -> dict[int, Array]:
        """What skips from below ``layers[first]`` carry past it, by the index of the `Add`."""
        begun = (ends for i, ends in self.spec.skips.items() if i < first)
        return {j: self.layers[j].skip for ends in begun for j in ends if j >= first}

    @aside
    def _cost(self, number: int, z: Array) -> Array:
        """C_x if z were the weighted inputs of the Dense layer with that number."""
        spec, place = self.spec, self.spec.places[number - 1]
        a = spec.dense[number - 1].activation.sigma(z)
        first = place + 1
        skipping = self.carried(first)
        above = layer_by_layer(spec, self.parameters, a, self.contexts, first, skipping)
        *_, output = DenseSaved(None, z, a), *above
        return costs(spec, output, self.y)
