"""The training step of one rank: the plain one, for its rows, with the sum over the ranks.

Only BP3 and BP4 and the metrics sum over samples, so a rank's step is the plain one with the
row weights of the whole mini-batch, 1/m. Between BP4 and the update, its gradient becomes the
sum over the ranks. All ranks have equally many rows, so that they run the same program; rows
that only fill up have no weight.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from bpx._hashes import kept_hash, without_hash
from bpx._typing import Array
from bpx.arrays.parts import Parts
from bpx.arrays.ranks import Group, summed
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.model.parameters import Gradients
from bpx.model.spec import Spec
from bpx.training.mixed import MixedStep
from bpx.training.step import Data, Passes, State, TrainingStep

__all__ = ["RankedMixedStep", "RankedStep", "Shard", "across", "ranked"]


@dataclass(frozen=True)
class Shard:
    """One rank's rows of the mini-batches.

    Attributes
    ----------
    group : Group
    begin : int
        The first of its rows in the mini-batch.
    size : int
        m, the number of samples in the mini-batch.
    live : int or None
        How many of its rows, the first ones, are in the mini-batch; None if all are, on every
        rank.
    dtype : {"float32", "float64"}
        That of the parameters.
    parts : Parts or None
        The arrays of which it updates its rows; None if it makes the whole update.
    """

    group: Group
    begin: int
    size: int
    live: int | None
    dtype: str
    parts: Parts | None = None


@dataclass(frozen=True)
class _Ranked(TrainingStep):
    """What a rank does differently. `shard` has a default only since those before it have."""

    shard: Any = None

    @property
    def constrains(self) -> bool:
        """Whether more follows the update: in parts, the others' rows do."""
        return self.shard.parts is not None or super().constrains

    def weights(self, data: Data, rows: Array, first: int = 0) -> Array | None:
        """The s of these rows, 0 where they fill up; None if all count equally."""
        s = super().weights(data, rows, first)
        if self.shard.live is None:
            return s
        xp, device = namespace(rows), getattr(rows, "device", None)
        places = xp.arange(rows.shape[-1], dtype=xp.int32, device=device)
        here = places < self.shard.live - first
        live: Array = xp.astype(here, getattr(xp, self.shard.dtype))
        return live if s is None else live * s

    def row_weights(self, s: Array | None, m: int) -> Array | float:
        """The r of these rows in the whole mini-batch, whatever the number m of them."""
        return super().row_weights(s, self.shard.size)

    def passes(
        self, state: State, x: Array, labels: Array, r: Any = None, rows: Any = None
    ) -> Passes:
        """Run forward, BP1 and BP2 for these rows, which draw what they draw on one rank."""
        first = 0 if rows is None else rows[0]
        place = self.shard.begin + first, self.shard.size
        return super().passes(state, x, labels, r, place)

    def moved(self, state: State, gradient: Gradients, layers: tuple[Any, ...] = ()) -> State:
        """The state after an update by the sum of the gradients over the ranks.

        In parts, the optimizer's state is that of the rows that this rank updates.
        """
        parts = self.shard.parts
        if parts is None:
            return super().moved(state, summed(self.shard.group, gradient), layers)
        before = state.parameters
        own = state._replace(parameters=parts.own(before))
        moved = super().moved(own, parts.summed(gradient), layers)
        return moved._replace(parameters=parts.whole(moved.parameters, before))


@dataclass(frozen=True)
class RankedStep(_Ranked):
    """``step(state, data, rows) -> state`` for one rank's rows of a mini-batch."""

    __hash__, __getstate__ = kept_hash, without_hash


@dataclass(frozen=True)
class RankedMixedStep(_Ranked, MixedStep):
    """The same in 16 bits."""

    __hash__, __getstate__ = kept_hash, without_hash


def ranked(step: Any, shard: Shard) -> Any:
    """Return a rank's part of a step: of a plain one, or of one made around it."""
    if not isinstance(step, TrainingStep):
        return replace(step, plain=ranked(step.plain, shard))
    kind = RankedMixedStep if isinstance(step, MixedStep) else RankedStep
    own = {each.name: getattr(step, each.name) for each in fields(step)}
    return kind(**{**own, "spec": across(step.spec, shard.group)}, shard=shard)


def across(spec: Spec, group: Group) -> Spec:
    """Return the spec of one rank: layers that couple samples do so over all ranks.

    Raises
    ------
    InputError
        If a layer cannot train on several ranks; the message names it.
    """
    layers: list[Any] = []
    for place, layer in enumerate(spec.layers, 1):
        if getattr(layer, "draws", False) and not getattr(layer, "draws_by_rows", False):
            raise InputError(
                f"layer {place}, {layer.kind!r}, draws random numbers that depend on the "
                "number of ranks; draw them by rows=context.rows, as bpx.random.bernoulli "
                "does, and give the layer draws_by_rows = True, or train on one rank"
            )
        if layer.couples_samples and not hasattr(layer, "across"):
            raise InputError(
                f"layer {place}, {layer.kind!r}, couples the samples of a mini-batch, which "
                "are on several ranks; give it a method across(group), as bpx.BatchNorm has, "
                "or train on one rank"
            )
        own: Any = layer
        layers.append(own.across(group) if layer.couples_samples else layer)
    return replace(spec, layers=tuple(layers))
