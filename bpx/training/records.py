"""The records of training: one for each epoch, and the progress within an epoch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import nan
from types import MappingProxyType
from typing import Any, NamedTuple

from bpx.model.evaluate import Evaluation
from bpx.program.preparation import clock

__all__ = ["Epoch", "History", "Progress", "Stopped", "Sums"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Epoch(NamedTuple):
    """The record of one epoch.

    Attributes
    ----------
    number : int
        Counted from 1.
    cost : float
        The mean of C_x over the epoch's samples, without the penalty. Each C_x is computed
        when its batch is trained on. With sample weights it is the mean of s_x C_x, which
        training minimises.
    accuracy : float or None
        The fraction of right answers, likewise; None for real targets. With sample weights it
        is sum_x s_x hit_x / sum_x s_x.
    validation : Evaluation or None
        The evaluation on the validation samples at the end of the epoch.
    seconds : float
        The duration of training, without the validation, the observers, and the time in which
        a step was compiled (with JAX and on CUDA, the first step of a kind takes this time).
    samples_per_second : float
    observed : mapping of str to object
        Values about the network at the end of the epoch, by name: ``"privacy"`` in private
        training, ``"health"`` if `train` was called with `health`, and the value of each
        observer.
    eta : float, tuple of float, or None
        The learning rate at the end of the epoch, which the next step uses; one for each of
        several networks; None if the optimizer has none.
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

        It covers only the weights: everything else in a record is computed from the raw
        samples.
        """
        return self.observed.get("privacy")

    @property
    def health(self) -> Any:
        """The `bpx.inspect.Health` if `train` was called with `health`; else None."""
        return self.observed.get("health")


class Progress(NamedTuple):
    """The progress within an epoch, reported between chunks.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    samples : int
        The number of samples seen in this epoch.
    total : int or None
        The number of samples in this epoch; None for a stream.
    cost : float
        The running mean of C_x, or of s_x C_x.
    accuracy : float or None
        The running fraction of right answers.
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
    """The sums of an epoch so far, on the host."""

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
        """Add to the sums; `weights` is the maximum of `hits`, if that is not `samples`."""
        return replace(
            self,
            cost=self.cost + cost,
            hits=None if hits is None else (self.hits or 0.0) + hits,
            weights=None if weights is None else (self.weights or 0.0) + weights,
            samples=self.samples + samples,
        )

    @property
    def means(self) -> tuple[float, float | None]:
        """The mean cost, and the fraction of right answers."""
        samples = self.samples or nan  # a Poisson batch may be empty
        # All samples so far may have the weight 0.
        weights = samples if self.weights is None else self.weights or nan
        return self.cost / samples, None if self.hits is None else self.hits / weights

    @property
    def seconds(self) -> float:
        """The seconds since the epoch began, without those of compiling the step."""
        return clock() - self.started

    @property
    def rate(self) -> float:
        """Samples per second."""
        return self.samples / max(self.seconds, 1e-9)

    @property
    def progress(self) -> Progress:
        """The progress of the epoch."""
        return Progress(self.epoch, self.samples, self.total, *self.means, self.rate)


class Stopped(NamedTuple):
    """Why and when a training ended, and which weights the network has.

    Attributes
    ----------
    reason : str
        ``"epochs"`` if it ran all of them, ``"early_stopping"``, ``"callback"`` if one returned
        True, or ``"stream"`` if the mini-batches came to their end.
    epoch : int
        The last epoch.
    weights : int
        The epoch whose weights the network has: the best one if `EarlyStopping` restored it.
    """

    reason: str
    epoch: int
    weights: int


@dataclass(frozen=True)
class History:
    """The result of `fit`: a sequence of `Epoch` records, and the seed of the samples' order.

    Attributes
    ----------
    epochs : tuple of Epoch
    seed : int or None
        The seed that was given or drawn; None for private training, where nobody may
        reproduce the order.
    stopped : Stopped or None
        Why training ended, and which epoch's weights the network has.
    """

    epochs: tuple[Epoch, ...]
    seed: int | None
    stopped: Stopped | None = None

    def __repr__(self) -> str:
        costs = [f"{epoch.cost:.4g}" for epoch in (*self.epochs[:1], *self.epochs[1:][-1:])]
        fell = f", cost {' to '.join(costs)}" if costs else ""
        ended = self.stopped or Stopped("epochs", 0, 0)
        by = "" if ended.reason == "epochs" else f", stopped by {ended.reason}"
        of = "" if ended.epoch == ended.weights else f", weights of epoch {ended.weights}"
        return f"<bpx.History of {len(self)} epochs{fell}, seed {self.seed}{by}{of}>"

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]
