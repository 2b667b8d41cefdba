"""The update rules of scikit-learn's solvers, as chains of bpx's transformations."""

from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Optimizer, Transformation, chain
from bpx.optim.moments import AdamState, adam, adam_numbers
from bpx.optim.optimizers import SGD
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import constant_schedule
from bpx.optim.trees import number, zeros

__all__ = ["adam_of_sklearn", "optimizer_of"]


def optimizer_of(estimator: Any) -> Optimizer:
    """Return the optimizer of an estimator: its own, or the one that its solver names.

    Raises
    ------
    InputError
        If it is a text.
    """
    if isinstance(estimator.optimizer, str):
        raise InputError(
            f"optimizer={estimator.optimizer!r} was given; expected an optimizer of bpx, such "
            "as bpx.Adam(1e-3); scikit-learn's are named by solver='adam' or solver='sgd'"
        )
    if estimator.optimizer is not None:
        own: Optimizer = estimator.optimizer
        return own
    eta = float(estimator.learning_rate_init)
    if estimator.solver == "adam":
        return adam_of_sklearn(eta, estimator.beta_1, estimator.beta_2, estimator.epsilon)
    mu = float(estimator.momentum)
    # SGD takes a number below 1; a schedule's values may be 1, which scikit-learn allows.
    momentum: Any = mu if mu < 1.0 else constant_schedule(mu)
    return SGD(eta, momentum=momentum, nesterov=bool(mu and estimator.nesterovs_momentum))


def adam_of_sklearn(eta: float, beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Adam with epsilon beside the uncorrected moment, the "epsilon hat" of the paper.

    w ← w − eta sqrt(1 − beta2^t) / (1 − beta1^t) · m / (sqrt(v) + epsilon) (Kingma and Ba 2015,
    the end of section 2), where `bpx.Adam` has algorithm 1, with epsilon beside sqrt(v̂).
    """
    begins = Beginning(_adam_state, ((float(beta1), float(beta2), float(epsilon)),))
    return chain(Transformation(begins, _ADAM), scale_by_learning_rate(eta))


def _adam_state(numbers: tuple[float, ...], parameters: Any) -> AdamState:
    begun = *adam_numbers(numbers, parameters), number(0.0, parameters)
    return AdamState(*begun, zeros(parameters), zeros(parameters))


@dataclass(frozen=True)
class _Adam:
    """The rule, which can absorb the factor of a scaling after it, as `bpx.Adam` does."""

    def __call__(
        self, updates: Any, state: AdamState, parameters: Any
    ) -> tuple[Any, AdamState]:
        """Return the updates, and the state after the step."""
        return self.scaled(updates, state, parameters, None)

    def scaled(
        self, updates: Any, state: AdamState, parameters: Any, factor: Array | None
    ) -> tuple[Any, AdamState]:
        """Return the same, with the updates multiplied by a number."""
        xp = namespace(state.t)
        # Algorithm 1 multiplies epsilon by this correction when it turns v̂ into v.
        correction = xp.sqrt(-xp.expm1((state.t + 1.0) * xp.log(state.beta2)))
        ahead = state._replace(epsilon=state.epsilon / correction)
        moved, after = adam(updates, ahead, factor)
        return moved, after._replace(epsilon=state.epsilon)


_ADAM = _Adam()
