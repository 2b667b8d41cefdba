"""The course of a training: its current state, which can be read and set."""

from collections.abc import Mapping
from operator import is_
from typing import Any, Protocol

from bpx._typing import Array
from bpx._validate import number
from bpx.arrays.registry import dtype_name, namespace
from bpx.arrays.transfer import bring, to_host
from bpx.errors import InputError
from bpx.model.inputs import Placed
from bpx.model.parameters import Parameters
from bpx.optim.chain import Optimizer
from bpx.optim.chained import averages
from bpx.optim.scaling import learning_rate
from bpx.optim.scheduled import heeded
from bpx.program.contract import leaves, named_leaves, rebuilt
from bpx.training.published import Published, adopting, published
from bpx.training.snapshot import NUMBERS, TrainingState, check_alike
from bpx.training.start import first_state
from bpx.training.step import State

__all__ = ["Course", "Trainable"]


class Trainable(Placed, Protocol):
    """The interface that training requires of a network."""

    def publish(self, parameters: Parameters, feedback: tuple[Array, ...]) -> None:
        """Adopt the weights and biases of a finished epoch, and its feedback arrays."""


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
    loss_scale : bool, optional
        Whether the step has a loss scale.

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
        loss_scale: bool = False,
    ) -> None:
        arrays = network.parameters, network.feedback
        state = first_state(network.spec, *arrays, optimizer, seed, loss_scale=loss_scale)
        self.network, self.optimizer, self.home = network, optimizer, network.home
        self.seed, self.epochs, self.steps, self._any_seed = seed, 0, 0, any_seed
        self._state = state._replace(extra=extra)
        self._update, self._published = optimizer.update, arrays

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
        arrays = network.parameters, network.feedback
        if all(map(is_, arrays, self._published)):
            return state
        with home.active():
            return adopting(network.spec, self._update, state, self._set(arrays))

    def _set(self, arrays: Published) -> Published:
        """The network's arrays, where the caller has set them, and otherwise the state's."""
        own = self._state.parameters, self._state.feedback
        parameters, feedback = arrays
        return (
            own[0] if parameters is self._published[0] else parameters,
            own[1] if feedback is self._published[1] else feedback,
        )

    @property
    def is_repeatable(self) -> bool:
        """Whether the seed determines the training; private training draws secretly."""
        return self._state.extra is None

    def reached(self, state: State, *, steps: int, epochs: int = 0) -> None:
        """Adopt the state after that many more steps and epochs, and publish its arrays."""
        self._publish(state)
        self.steps += steps
        self.epochs += epochs

    def public(self, state: State) -> State:
        """Return the state with the arrays for the network, which may be averages."""
        if not averages(self._update):
            return state
        with self.home.active():
            parameters, feedback = published(self.network.spec, self._update, state)
        return state._replace(parameters=parameters, feedback=feedback)

    def _publish(self, state: State) -> None:
        public = self.public(state)
        self.network.publish(public.parameters, public.feedback)
        self._state, self._published = state, (self.network.parameters, self.network.feedback)

    def heed(self, cost: float) -> None:
        """Let the learning rate follow the cost of a finished epoch, if it does so."""
        optimizer = heeded(self._state.optimizer, cost)
        self._state = self._state._replace(optimizer=optimizer)

    @property
    def snapshot(self) -> TrainingState:
        """The state as the caller sees it."""
        state = self.state
        arrays = state.parameters, state.optimizer, state.feedback, state.randomness
        return TrainingState(
            *arrays, self.epochs, self.steps, self.seed, loss_scale=state.loss_scale
        )

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
        self._publish(self.placed(given))
        self.epochs, self.steps, self.seed = given.epochs, given.steps, given.seed

    def placed(self, given: Any) -> State:
        """Return another state, at home, as the input of a step; nothing changes.

        Raises
        ------
        InputError
            If it does not fit this training; the message names the difference.
        """
        own = self.snapshot
        check_alike(own, given, any_seed=self._any_seed)
        pairs = zip(named_leaves(own.arrays), leaves(given.arrays), strict=True)
        with self.home.active():
            brought = [_placed(self, place, like, x) for (place, like), x in pairs]
        arrays = rebuilt(own.arrays, brought)
        return self._state._replace(**arrays._asdict())

    def described(self) -> tuple[dict[str, Array], dict[str, int]]:
        """The snapshot as it is saved in a file: its arrays by place, and its numbers."""
        state = self.snapshot
        return dict(named_leaves(state.arrays)), {
            name: getattr(state, name) for name in NUMBERS
        }

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
        names = dict(named_leaves(own))
        if arrays.keys() != names.keys() or numbers.keys() != set(NUMBERS):
            off = sorted(arrays.keys() ^ names.keys())
            raise InputError(
                f"{path} was saved by a training of another network or optimizer: only one of "
                f"the two has {', '.join(off[:3])}; train with the network and the optimizer "
                "of the file"
            )
        found = rebuilt(own, [arrays[name] for name in names])
        counts: dict[str, Any] = {name: numbers[name] for name in NUMBERS}
        return TrainingState(**found._asdict(), **counts)

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


def _placed(course: Course, place: str, like: Array, given: Any) -> Array:
    """Copy an array of a given state to the home."""
    if tuple(given.shape) != tuple(like.shape) or dtype_name(given) != dtype_name(like):
        raise InputError(
            f"the state has {place} of shape {tuple(given.shape)}, {dtype_name(given)}, but "
            f"this training has {tuple(like.shape)}, {dtype_name(like)}; start it with a "
            "network of the same layers and dtype"
        )
    return bring(given, course.home, place, dtype=dtype_name(like), copy=True)
