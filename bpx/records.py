"""What training tells: a record of each epoch, and how far an epoch has come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bpx.evaluation import Evaluation
from bpx.privacy.accounting import Spent

__all__ = ["Epoch", "History", "Progress"]


class Epoch(NamedTuple):
    """The record of one epoch.

    Attributes
    ----------
    number : int
        Counted from 1.
    cost : float
        The mean of C_x over the epoch's samples, each as its own batch found it, without
        the penalty.
    accuracy : float or None
        The share of right answers, likewise; None for real targets.
    validation : Evaluation or None
        The network at the end of the epoch on the validation samples.
    seconds : float
        The time that the training took, without the validation.
    samples_per_second : float
    privacy : bpx.privacy.Spent or None
        With private training, the (epsilon, delta) reached. It is the weights that have
        spent it: the cost and the accuracy are computed from the samples as they are.
    """

    number: int
    cost: float
    accuracy: float | None
    validation: Evaluation | None
    seconds: float
    samples_per_second: float
    privacy: Spent | None = None


class Progress(NamedTuple):
    """How far an epoch has come, told between chunks.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    samples, total : int
        The samples seen in this epoch, and those it has.
    cost : float
        The running mean of C_x.
    accuracy : float or None
        The running share of right answers.
    samples_per_second : float
    """

    epoch: int
    samples: int
    total: int
    cost: float
    accuracy: float | None
    samples_per_second: float


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

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]
