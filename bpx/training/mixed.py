"""Training in 16 bits: the passes in float16 or bfloat16, everything that is kept in float32.

The parameters, the optimizer's state, the cost and the metrics are those of float32 training.
Each step rounds w and b to 16 bits, and runs the layers of `bpx.layers.half`; z and a of the
last layer, and the gradients, are float32. In float16, whose range is small, the deltas have a
scale (`bpx.training.loss_scale`), and a step whose gradients overflow changes nothing but it.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from bpx import feedback as feedbacks
from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.errors import InputError, advice, option
from bpx.layers.dense import Dense
from bpx.layers.half import HalfDense, halved, narrowed
from bpx.model.expected import as_inputs, as_targets
from bpx.model.metrics import answers
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import sent_back
from bpx.model.run import Run, in_training, layer_by_layer
from bpx.model.skips import Skips, skips_of
from bpx.model.spec import Spec
from bpx.optim.trees import mapped
from bpx.program.marks import symbols
from bpx.training.loss_scale import all_finite, selected
from bpx.training.step import Passes, State, TrainingStep

__all__ = [
    "MixedStep",
    "check_mixed",
    "check_not_private",
    "halves_of",
    "is_mixed",
    "scales_loss",
]


@dataclass(frozen=True)
class HalfSpec(Spec):
    """The layers of a network in 16 bits; only `MixedStep` runs them."""

    @cached_property
    def skips(self) -> Skips:
        """Where residual blocks begin and end."""
        return skips_of([getattr(each, "layer", each) for each in self.layers])


@dataclass(frozen=True)
class MixedStep(TrainingStep):
    """``step(state, data, rows) -> state``, with the passes in the dtype `precision`.

    The deltas, and with them the gradients until `moved`, are divided by the number of samples
    and multiplied by the loss scale, if there is one; the row weights are multiplied by that
    number. So nothing in 16 bits grows or shrinks with the mini-batch.
    """

    @cached_property
    def halved(self) -> HalfSpec:
        """The layers that the passes run."""
        spec = self.spec
        layers: Any = halved(spec.layers, self.precision)
        return HalfSpec(layers, spec.cost, spec.feedback)

    @property
    def constrains(self) -> bool:
        """Whether more follows the update: with a loss scale, it may be taken back."""
        return self.precision == "float16" or super().constrains

    def row_weights(self, s: Array | None, m: int) -> Array | float:
        """The row weights m r, a column; 1.0 without weights."""
        if s is None:
            return 1.0
        return float(m) * s[..., None] if self.summed else s[..., None]

    @symbols("x", "y", "labels")
    def passes(
        self, state: State, x: Array, labels: Array, r: Any = None, rows: Any = None
    ) -> Passes:
        """Run forward, BP1 and BP2 in 16 bits; r and `rows` as for `TrainingStep`."""
        x = as_inputs(x, state.parameters.like)
        y = as_targets(self.spec, labels, x)
        m = x.shape[-2] if rows is None else rows[1]
        spec, parameters = self.halved, self._narrowed(state.parameters)
        contexts = partial(in_training, state.randomness, r=r, rows=rows)
        layers = tuple(layer_by_layer(spec, parameters, x, contexts))
        run, output = Run(spec, parameters, layers, y, (), contexts), layers[-1]
        share = 1.0 / m if state.loss_scale is None else (1.0 / m) * state.loss_scale.scale
        delta = share * spec.cost.delta(spec.output, output.z, output.a, y)
        deltas = sent_back(run, narrowed(delta, self.precision))
        return Passes(answers(self.accuracy, x, labels), run, deltas)

    def _narrowed(self, parameters: Parameters) -> Parameters:
        """The parameters with w and b of Dense layers in 16 bits; the others are float32."""
        pairs = zip(self.halved.layers, parameters.layers, strict=True)
        return Parameters(
            mapped(partial(narrowed, half=self.precision), entry)
            if isinstance(layer, HalfDense)
            else entry
            for layer, entry in pairs
        )

    def moved(self, state: State, gradient: Gradients, layers: tuple[Any, ...] = ()) -> State:
        """The state after an update; with a loss scale, the same state if that overflowed."""
        scaling = state.loss_scale
        if scaling is None:
            return super().moved(state, gradient, layers)
        gradient = mapped(lambda dw: dw / scaling.scale, gradient)
        ok, after = all_finite(gradient), super().moved(state, gradient, layers)
        return after._replace(
            parameters=selected(ok, after.parameters, state.parameters),
            optimizer=selected(ok, after.optimizer, state.optimizer),
            loss_scale=scaling.after(ok),
        )


def halves_of(home: Home) -> tuple[str, ...]:
    """The 16-bit dtypes in which the home's backend can train."""
    return tuple(getattr(home.backend, "halves", ()))


def is_mixed(home: Home, precision: str) -> bool:
    """Whether training in that precision runs a `MixedStep` there."""
    return precision in halves_of(home)


def scales_loss(home: Home, precision: str) -> bool:
    """Whether training in that precision has a loss scale."""
    return is_mixed(home, precision) and precision == "float16"


def check_mixed(home: Home, spec: Spec, precision: str) -> None:
    """Refuse 16 bits for a network that cannot train in them.

    Raises
    ------
    InputError
        The message names the reason.
    """
    given = f"{option('precision', precision)} was given"
    if home.dtype != "float32":
        instead = advice("make it with dtype='float32', or call net.to(dtype='float32')", "")
        raise InputError(
            f"{given} for a network in {home.dtype}, but the weights of such training are "
            f"float32; {instead or option('dtype', 'float32') + ' makes them so'}"
        )
    if spec.feedback != feedbacks.transpose:
        raise InputError(
            f"{given} with the feedback {spec.feedback.name!r}; expected "
            f"{option('feedback', 'transpose')}, or {option('precision', 'float32')}"
        )
    for place, layer in enumerate(spec.layers, 1):
        if isinstance(layer, Dense) and type(layer) is not Dense:
            raise InputError(
                f"{given}, but layer {place} is a {type(layer).__name__}, whose own equations "
                "would not run in 16 bits; expected a bpx.Dense, or a layer that is no Dense "
                "one, which runs in float32"
            )


def check_not_private(home: Home, precision: str) -> None:
    """Refuse 16 bits for private training, whose clipping needs each sample's exact norm.

    Raises
    ------
    InputError
        If it would train in 16 bits.
    """
    if is_mixed(home, precision):
        raise InputError(
            f"{option('precision', precision)} was given with privacy, whose clipping needs "
            "the exact norm of each sample's gradient; train in float32"
        )
