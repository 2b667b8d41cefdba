"""An epoch of private training: Poisson batches, noise in blocks, and the privacy spent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from logging import getLogger
from math import prod
from time import perf_counter

import numpy as np

from bpx.arrays.home import Home
from bpx.arrays.host import HostArray
from bpx.arrays.ranks import Communicator
from bpx.arrays.registry import namespace
from bpx.inspect.requirements import check_by_bp3_and_bp4
from bpx.model.parameters import Gradients, Parameters
from bpx.model.spec import check_apart
from bpx.optim.trees import above_0, mapped, number
from bpx.privacy.accounting import Account, Mechanism, Spent, composed, package
from bpx.privacy.clipping import check_rule_apart
from bpx.privacy.dpsgd import DPSGD
from bpx.privacy.limits import check_clip
from bpx.privacy.sampling import earlier_parts, last_parts, poisson_batches
from bpx.privacy.sources import Source, normals, random_bytes
from bpx.privacy.step import NoisyData, PrivateState, PrivateStep
from bpx.program.contract import leaves, rebuilt
from bpx.training.batches import EpochBatches, Stretch
from bpx.training.step import Data, TrainingStep

__all__ = ["Sampled", "sampled"]

BLOCK_BYTES = 1 << 25
"""The bytes of noise to draw at a time."""

_log = getLogger("bpx")


@dataclass
class Sampled:
    """`Batches` by Poisson sampling.

    Attributes
    ----------
    account : Account
        The network that records what each epoch spends.
    seconds : float
        The seconds that drawing samples and noise took in this epoch.
    ranks : Communicator or None
        If several ranks train, all draw the same samples, and the first one adds the noise.
    """

    home: Home
    step: TrainingStep
    data: Data
    parameters: Parameters
    batch_size: int
    privacy: DPSGD
    account: Account
    seconds: float = 0.0
    ranks: Communicator | None = None

    def across(self, ranks: Communicator) -> "Sampled":
        """Return the same mini-batches for one of several ranks."""
        return replace(self, ranks=ranks)

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.data.x.shape[0]

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return max(1, round(self.n / self.batch_size))

    @property
    def mechanism(self) -> Mechanism:
        """The mechanism of one epoch."""
        rate = self.batch_size / self.n
        secure = self.privacy.seed is None
        return Mechanism(self.privacy.noise_multiplier, rate, self.steps, secure)

    @property
    def deviation(self) -> float:
        """The noise's standard deviation, in the mean over batch_size samples."""
        clips = check_clip(self.privacy.clip)
        sensitivity = sum(clip * clip for clip in clips) ** 0.5
        return self.privacy.noise_multiplier * sensitivity / self.batch_size

    def start(self) -> PrivateState:
        """Return the additional state of private training, before the first step."""
        xp = namespace(self.parameters.like)
        learning = sum(1 for entry in self.parameters.layers if entry)
        clips = check_clip(self.privacy.clip, learning)
        return PrivateState(
            tuple(above_0("clip", clip, self.parameters) for clip in clips),
            number(1.0 / self.batch_size, self.parameters),
            Gradients(mapped(xp.zeros_like, self.parameters).layers),
        )

    def finish(self) -> Mapping[str, Spent]:
        """Count a finished epoch before its weights are visible; return the privacy spent."""
        own = composed((*self.account.mechanisms, self.mechanism))
        everything = composed((*self.privacy.past, *own))
        self.account.mechanisms = own
        spent = Spent(self.privacy.delta, self.privacy.accountant, everything, self.seconds)
        return {"privacy": spent}

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches:
        """Return the epoch of this number, from 1."""
        began, seed = perf_counter(), self.privacy.seed
        choosing, noise = (random_bytes(seed, each, epoch) for each in ("sampling", "noise"))
        if self.ranks is not None:
            choosing = _of_first(self.ranks, choosing)
        drawn = poisson_batches(self.n, self.mechanism.sampling_rate, self.steps, choosing)
        self.seconds = perf_counter() - began
        return EpochBatches(sum(batch.size for batch in drawn), self._stretches(drawn, noise))

    def _stretches(self, drawn: list[HostArray], source: Source) -> Iterator[Stretch]:
        block = self._block()
        for before in range(0, self.steps, block):
            yield from self._of_block(drawn[before : before + block], block, before, source)

    def _of_block(
        self, drawn: list[HostArray], block: int, before: int, source: Source
    ) -> Iterator[Stretch]:
        physical = self.privacy.physical(self.batch_size, self.n)
        data = NoisyData(self.data.x, self.data.y, self._noise(len(drawn), block, source))
        rows = self.home.asarray(last_parts(drawn, physical, block), "int32")
        earlier = [earlier_parts(batch, physical) for batch in drawn]
        sizes = tuple(b.size - physical * len(e) for b, e in zip(drawn, earlier, strict=True))
        overflowing = [i for i, parts in enumerate(earlier) if len(parts)]
        last = PrivateStep(self.step, last=True)
        for start, stop in pairwise([0, *overflowing, len(drawn)]):
            if start < stop:
                yield Stretch(last, data, rows, sizes, physical, before, start, stop)
            for part in earlier[stop] if stop < len(drawn) else ():
                yield self._summed(part, data, physical, before + stop)

    def _summed(self, part: HostArray, data: NoisyData, physical: int, before: int) -> Stretch:
        rows = self.home.asarray(part[None, :], "int32")
        step = PrivateStep(self.step, last=False)
        return Stretch(step, data, rows, (physical,), physical, before, 0, 1)

    def _block(self) -> int:
        """Return the number of steps in a block of noise, equal for all blocks of an epoch."""
        width = np.dtype(self.home.dtype).itemsize
        numbers = sum(prod(p.shape) for p in leaves(self.parameters))
        most = max(1, BLOCK_BYTES // (width * numbers))
        return -(-self.steps // -(-self.steps // most))

    def _noise(self, steps: int, block: int, source: Source) -> Gradients:
        """Draw the noise of some steps, in arrays for a whole block, at home."""
        began = perf_counter()
        shapes = [p.shape for p in leaves(self.parameters)]
        ends = [0, *accumulate(map(prod, shapes))]
        noise = np.zeros((block, ends[-1]), self.home.dtype)
        for row in noise[:steps] if self.ranks is None or self.ranks.rank == 0 else ():
            row[:] = self.deviation * normals(ends[-1], source, self.privacy.draws)
        each = [self.home.asarray(noise[:, a:b]) for a, b in pairwise(ends)]
        self.seconds += perf_counter() - began
        return Gradients(rebuilt(self.parameters, each).layers)


def _of_first(ranks: Communicator, source: Source) -> Source:
    """Return the source of rank 0, for all."""
    return lambda n: ranks.broadcast(source(n) if ranks.rank == 0 else None)


def sampled(
    network: Account, step: TrainingStep, data: Data, batch_size: int, privacy: DPSGD
) -> Sampled:
    """Make a `Sampled`; if there is a seed, log that it is not private.

    Raises
    ------
    InputError
        If samples interact in the network; or if dp-accounting is not installed, at once and
        not only when epsilon is computed.
    """
    check_apart(network.spec, "private training")
    check_by_bp3_and_bp4(network.spec, "private training")
    with network.home.active():
        given = network.spec, network.parameters, data.x, data.y, network.feedback
        check_rule_apart(*given)
    package()
    if privacy.seed is not None:
        _log.warning(
            "DPSGD(seed=%d): its noise can be drawn again, so nothing is private; the reported "
            "epsilon is what noise from a secure source would give",
            privacy.seed,
        )
    return Sampled(network.home, step, data, network.parameters, batch_size, privacy, network)
