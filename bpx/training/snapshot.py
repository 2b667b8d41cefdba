"""`TrainingState`: what training continues from, as its caller sees it."""

from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.errors import InputError
from bpx.model.parameters import Parameters
from bpx.model.run import Randomness
from bpx.program.contract import form
from bpx.training.loss_scale import LossScale

__all__ = ["NUMBERS", "TrainingState", "check_alike"]

NUMBERS = ("epochs", "steps", "seed")
"""The fields that hold numbers."""


class _Arrays(NamedTuple):
    """The arrays of a `TrainingState`, under the same names."""

    parameters: Parameters
    optimizer: Any
    feedback: tuple[Array, ...]
    randomness: Randomness | None
    loss_scale: LossScale | None = None


class TrainingState(NamedTuple):
    """Everything that training continues from, except its samples and settings.

    Its arrays are never modified, so you can keep a state and set it again later.

    Attributes
    ----------
    parameters : Parameters
        The weights and biases that training continues from: the network's, unless the optimizer
        averages them (`bpx.optim.average_parameters`).
    optimizer : named tuple of arrays
        The optimizer's own state, read by name: ``state.optimizer.m.w[0]`` of `Adam`.
    feedback : tuple of arrays
        The arrays that the network's feedback has drawn; often none.
    randomness : named tuple of arrays, or None
        The keys of random layers, such as `Dropout`, and their step counter; None if there are
        no such layers.
    epochs, steps : int
        The number of finished epochs and the number of steps taken.
    seed : int
        The seed of the order of the samples, and of random layers.
    loss_scale : named tuple of arrays, or None
        In float16 training, the `scale` of the deltas, and the number of `good` steps since it
        changed.
    """

    parameters: Parameters
    optimizer: Any
    feedback: tuple[Array, ...]
    randomness: Randomness | None
    epochs: int
    steps: int
    seed: int
    loss_scale: LossScale | None = None

    def __repr__(self) -> str:
        done = f"{self.epochs} epochs, {self.steps} steps, seed {self.seed}"
        return f"<bpx.TrainingState after {done}, of {self.parameters!r}>"

    @property
    def arrays(self) -> _Arrays:
        """The fields that hold arrays."""
        return _Arrays(*self[:4], self.loss_scale)


def check_alike(own: TrainingState, given: Any, *, any_seed: bool) -> None:
    """Refuse a state that does not fit a training with the state `own`.

    Raises
    ------
    InputError
        The message names the difference.
    """
    if not isinstance(given, TrainingState):
        raise InputError(
            f"state is {type(given).__name__}; expected the `.state` of such a training"
        )
    if given.seed != own.seed and not any_seed:
        raise InputError(
            f"the state is of a training with seed={given.seed}, but this one has "
            f"seed={own.seed}, which draws other samples and masks; start it with "
            f"seed={given.seed}"
        )
    for name in _Arrays._fields:
        mine, other = (form(getattr(each, name)) for each in (own, given))
        if mine != other:
            raise InputError(
                f"the state has {name} of the form {other}, but this training has {mine}; "
                "start it with a network of the same layers and the same optimizer"
            )
