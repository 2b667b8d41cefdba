"""The course of a training: its current state, which can be read and set."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from bpx._typing import Array
from bpx._validate import number
from bpx.arrays.registry import dtype_name, namespace
from bpx.arrays.transfer import bring, to_host
from bpx.errors import InputError
from bpx.model.inputs import Placed
from bpx.model.parameters import Parameters
from bpx.model.run import Randomness
from bpx.optim.chain import Optimizer
from bpx.optim.scaling import learning_rate
from bpx.program.contract import form, leaves, named_leaves, rebuilt
from bpx.training.start import first_state
from bpx.training.step import State

__all__ = ["Course", "Trainable", "TrainingState", "places"]


_NUMBERS = ("epochs", "steps", "seed")


class Trainable(Placed, Protocol):
    """The interface that training requires of a network."""

    def publish(self, parameters: Parameters, feedback: tuple[Array, ...]) -> None:
        """Adopt the weights and biases of a finished epoch, and its feedback arrays."""


class _Arrays(NamedTuple):
    """The arrays of a `TrainingState`, under the same names."""

    parameters: Parameters
    optimizer: Any
    feedback: tuple[Array, ...]
    randomness: Randomness | None


class TrainingState(NamedTuple):
    """Everything that training continues from, except its samples and settings.

    Its arrays are never modified, so you can keep a state and set it again later.

    Attributes
    ----------
    parameters : Parameters
        The network's weights and biases.
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
    """

    parameters: Parameters
    optimizer: Any
    feedback: tuple[Array, ...]
    randomness: Randomness | None
    epochs: int
    steps: int
    seed: int

    def __repr__(self) -> str:
        done = f"{self.epochs} epochs, {self.steps} steps, seed {self.seed}"
        return f"<bpx.TrainingState after {done}, of {self.parameters!r}>"

    @property
    def arrays(self) -> _Arrays:
        """The fields that hold arrays."""
        return _Arrays(*self[:4])


class Course:
    """The state of one network's training, between its steps.

    Parameters
    ----------
    network : Trainable
        A network with an active home.
    optimizer : Optimizer
        With its penalty in front, if there is one.
    seed : int
    extra : tree of arrays, optional
        More values that the step keeps: see `Batches.start`.

    Raises
    ------
    InputError
        If the optimizer's initial state cannot be used.
    """

    def __init__(
        self,
        network: Trainable,
        optimizer: Optimizer,
        seed: int,
        extra: Any = None,
        *,
        any_seed: bool = False,
    ) -> None:
        arrays = network.parameters, network.feedback
        state = first_state(network.spec, *arrays, optimizer, seed)
        self.network, self.optimizer, self.home = network, optimizer, network.home
        self.seed, self.epochs, self.steps, self._any_seed = seed, 0, 0, any_seed
        self._state = state._replace(extra=extra)

    @property
    def state(self) -> State:
        """The input of the next step, with the network's arrays if the caller has set others.

        Raises
        ------
        InputError
            If the network has moved to another home.
        """
        network, home, state = self.network, self.home, self._state
        if network.home != home:
            raise InputError(
                f"the network moved from {home}, {home.dtype}, to {network.home}, "
                f"{network.home.dtype}, during training; move it before or after"
            )
        # After a step these are the same objects, unless the caller has set others.
        if network.parameters is not state.parameters:
            state = state._replace(parameters=network.parameters)
        if network.feedback is not state.feedback:
            state = state._replace(feedback=network.feedback)
        return state

    @property
    def is_repeatable(self) -> bool:
        """Whether the seed determines the training; private training draws secretly."""
        return self._state.extra is None

    def reached(self, state: State, *, steps: int, epochs: int = 0) -> None:
        """Adopt the state after that many more steps and epochs, and publish its arrays."""
        self.network.publish(state.parameters, state.feedback)
        self._state = state
        self.steps += steps
        self.epochs += epochs

    @property
    def snapshot(self) -> TrainingState:
        """The state as the caller sees it."""
        state = self.state
        arrays = state.parameters, state.optimizer, state.feedback, state.randomness
        return TrainingState(*arrays, self.epochs, self.steps, self.seed)

    def restore(self, given: Any, *, accounted: bool = False) -> None:
        """Continue from another state, with arrays of any library: all of it or nothing.

        Parameters
        ----------
        given : TrainingState
        accounted : bool, optional
            Whether the caller restores the privacy that a private training had spent by then.

        Raises
        ------
        InputError
            If the state does not fit this training; the message names the difference.
        """
        if self._state.extra is not None and not accounted:
            raise InputError(
                "the state of a private training cannot be set: the privacy that it has spent "
                "cannot be restored; continue with a new call of bpx.train"
            )
        state = self.placed(given)
        self.network.publish(state.parameters, state.feedback)
        self._state = state
        self.epochs, self.steps, self.seed = given.epochs, given.steps, given.seed

    def placed(self, given: Any) -> State:
        """Return another state, at home, as the input of a step; nothing changes.

        Raises
        ------
        InputError
            If it does not fit this training; the message names the difference.
        """
        own = self.snapshot
        _check_alike(own, given, any_seed=self._any_seed)
        pairs = zip(named_leaves(own.arrays), leaves(given.arrays), strict=True)
        with self.home.active():
            brought = [_placed(self, place, like, x) for (place, like), x in pairs]
        arrays = rebuilt(own.arrays, brought)
        return self._state._replace(**arrays._asdict())

    def described(self) -> tuple[dict[str, Array], dict[str, int]]:
        """The snapshot as it is saved in a file: its arrays by place, and its numbers."""
        state = self.snapshot
        return places(state.arrays), dict(zip(_NUMBERS, state[4:], strict=True))

    def state_of(
        self, path: object, arrays: Mapping[str, Any], numbers: Mapping[str, int]
    ) -> TrainingState:
        """Return the state in a file, in the form of this training's own state.

        Raises
        ------
        InputError
            If the file has other arrays.
        """
        own = self.snapshot.arrays
        names = places(own)
        if arrays.keys() != names.keys() or numbers.keys() != set(_NUMBERS):
            off = sorted(arrays.keys() ^ names.keys())
            raise InputError(
                f"{path} was saved by a training of another network or optimizer: only one of "
                f"the two has {', '.join(off[:3])}; train with the network and the optimizer "
                "of the file"
            )
        found = rebuilt(own, [arrays[name] for name in names])
        return TrainingState(*found, *(numbers[name] for name in _NUMBERS))

    @property
    def eta(self) -> float | tuple[float, ...] | None:
        """The learning rate of the next step, read on the host; one for each network.

        None if the optimizer has none.
        """
        rate = learning_rate(self.optimizer, self._state.optimizer)
        if rate is None:
            return None
        # The shortest decimal that has the same float32, so that 0.001 is read as 0.001.
        values = tuple(float(str(each)) for each in to_host(rate).reshape(-1))
        return values[0] if len(values) == 1 else values

    @eta.setter
    def eta(self, eta: float) -> None:
        value = number("eta", eta, "a positive number", lambda v: v > 0.0)
        optimizer = self._state.optimizer
        rate = getattr(optimizer, "eta", None)
        if rate is None:
            why = "has no learning rate" if self.eta is None else "follows a schedule"
            raise InputError(
                f"eta={eta!r} was given, but this optimizer {why}; expected an optimizer with "
                "a number as its learning rate, such as bpx.Adam(1e-3)"
            )
        changed = namespace(rate).full_like(rate, value)
        self._state = self._state._replace(optimizer=optimizer.having(eta=changed))


def places(tree: Any, name: str = "") -> dict[str, Array]:
    """Return the arrays of a tree by their places, in order.

    Two links of a chain may have states with fields of the same name, such as two decays: the
    second one is called ``optimizer.decay (2)``.
    """
    found: dict[str, Array] = {}
    for place, array in named_leaves(tree, name):
        number, unique = 1, place
        while unique in found:
            number += 1
            unique = f"{place} ({number})"
        found[unique] = array
    return found


def _check_alike(own: TrainingState, given: Any, *, any_seed: bool) -> None:
    """Refuse a state that does not fit a training with the state `own`."""
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


def _placed(course: Course, place: str, like: Array, given: Any) -> Array:
    """Copy an array of a given state to the home."""
    if tuple(given.shape) != tuple(like.shape) or dtype_name(given) != dtype_name(like):
        raise InputError(
            f"the state has {place} of shape {tuple(given.shape)}, {dtype_name(given)}, but "
            f"this training has {tuple(like.shape)}, {dtype_name(like)}; start it with a "
            "network of the same layers and dtype"
        )
    return bring(given, course.home, place, dtype=dtype_name(like), copy=True)
