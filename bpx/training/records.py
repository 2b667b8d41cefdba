"""What training tells: a record of each epoch, and how far an epoch has come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import nan
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

from bpx.model.evaluate import Evaluation

__all__ = ["Epoch", "History", "Progress", "Sums"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Epoch(NamedTuple):
    """The record of one epoch.

    Attributes
    ----------
    number : int
        Counted from 1.
    cost : float
        The mean of C_x over the epoch's samples, each as its own batch found it, without
        the penalty. With sample weights it is the mean of s_x C_x, which training descends.
    accuracy : float or None
        The share of right answers, likewise; None for real targets. With sample weights it
        is sum_x s_x hit_x / sum_x s_x.
    validation : Evaluation or None
        The network at the end of the epoch on the validation samples.
    seconds : float
        The time that the training took, without the validation and the observers.
    samples_per_second : float
    observed : mapping of str to object
        What was told of the network at the end of the epoch, by name: ``"privacy"`` of private
        training, ``"health"`` if `train` was asked for it, and what each of its `observers`
        gave.
    eta : float, tuple of float, or None
        The learning rate at the end of the epoch, which the next step takes: one for each
        network of several; None if the optimizer has none.
    """

    number: int
    cost: float
    accuracy: float | None
    validation: Evaluation | None
    seconds: float
    samples_per_second: float
    observed: Mapping[str, Any] = _NOTHING
    eta: float | tuple[float, ...] | None = None

    @property
    def privacy(self) -> Any:
        """The `bpx.privacy.Spent` of private training, the (epsilon, delta) reached; else None.

        It is the weights that have spent it: all else in a record is computed from the samples
        as they are.
        """
        return self.observed.get("privacy")

    @property
    def health(self) -> Any:
        """The `bpx.inspect.Health` that `train` was asked for; else None."""
        return self.observed.get("health")


class Progress(NamedTuple):
    """How far an epoch has come, told between chunks.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    samples : int
        The samples seen in this epoch.
    total : int or None
        The samples that it has; None of a stream.
    cost : float
        The running mean of C_x, or of s_x C_x.
    accuracy : float or None
        The running share of right answers.
    samples_per_second : float
    """

    epoch: int
    samples: int
    total: int | None
    cost: float
    accuracy: float | None
    samples_per_second: float


@dataclass(frozen=True)
class Sums:
    """What an epoch has summed up so far, on the host."""

    epoch: int
    total: int | None
    started: float
    cost: float = 0.0
    hits: float | None = None
    samples: int = 0
    weights: float | None = None

    def plus(
        self, cost: float, hits: float | None, samples: int, weights: float | None = None
    ) -> "Sums":
        """The sums with these added; `weights`: what `hits` is a part of, if not `samples`."""
        return replace(
            self,
            cost=self.cost + cost,
            hits=None if hits is None else (self.hits or 0.0) + hits,
            weights=None if weights is None else (self.weights or 0.0) + weights,
            samples=self.samples + samples,
        )

    @property
    def means(self) -> tuple[float, float | None]:
        """The mean cost, and the share of right answers."""
        samples = self.samples or nan  # a Poisson batch may be empty
        # Those seen so far may all have the weight 0.
        weights = samples if self.weights is None else self.weights or nan
        return self.cost / samples, None if self.hits is None else self.hits / weights

    @property
    def seconds(self) -> float:
        """Since the epoch began."""
        return perf_counter() - self.started

    @property
    def rate(self) -> float:
        """Samples per second."""
        return self.samples / max(self.seconds, 1e-9)

    @property
    def progress(self) -> Progress:
        """How far the epoch has come."""
        return Progress(self.epoch, self.samples, self.total, *self.means, self.rate)


@dataclass(frozen=True)
class History:
    """What `fit` gives back: a sequence of `Epoch` records, and the seed of their order.

    Attributes
    ----------
    epochs : tuple of Epoch
    seed : int or None
        The seed that was given, or the one that was drawn; None of private training, whose
        order nobody may draw again.
    """

    epochs: tuple[Epoch, ...]
    seed: int | None

    def __repr__(self) -> str:
        costs = [f"{epoch.cost:.4g}" for epoch in (*self.epochs[:1], *self.epochs[1:][-1:])]
        fell = f", cost {' to '.join(costs)}" if costs else ""
        return f"<bpx.History of {len(self)} epochs{fell}, seed {self.seed}>"

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]
