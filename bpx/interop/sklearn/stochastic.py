"""The solvers "sgd" and "adam", and any other optimizer: epochs, and when they end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from warnings import warn

from sklearn.exceptions import ConvergenceWarning

from bpx.errors import DivergenceError, InputError
from bpx.interop.sklearn.callbacks import Told, attributes_of
from bpx.interop.sklearn.networks import fitted, network_of
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.scores import ValidationScore
from bpx.interop.sklearn.training import KeptOptimizer, Order, closed, kept_optimizer, loop_of
from bpx.training.loop import Loop
from bpx.training.records import Epoch

__all__ = ["NON_FINITE", "Fit", "begin", "prepared"]

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)
_SMALLEST_RATE = 1e-6
"""The learning rate at which "adaptive" ends training."""


def begin(estimator: Any) -> None:
    """Set the attributes of a first fit, before its first epoch."""
    estimator.loss_curve_, estimator._no_improvement_count = [], 0
    estimator.validation_scores_ = estimator.best_validation_score_ = None
    estimator.best_loss_ = None if estimator.early_stopping else float("inf")


def _expect(estimator: Any, *, scores: bool) -> None:
    """Set the attributes that this fit is the first to need, as after other parameters."""
    if not hasattr(estimator, "loss_curve_"):  # of a fit by "lbfgs"
        begin(estimator)
    if scores and estimator.validation_scores_ is None:
        estimator.validation_scores_, estimator.best_validation_score_ = [], -float("inf")
        estimator._best = (estimator.coefs_, estimator.intercepts_)
    if not estimator.early_stopping and estimator.best_loss_ is None:
        estimator.best_loss_ = float("inf")


def prepared(
    estimator: Any, problem: Problem, score: ValidationScore | None, kept: KeptOptimizer | None
) -> "Fit":
    """Prepare the training of an estimator, for at most `max_iter` epochs.

    Parameters
    ----------
    estimator
        With ``coefs_`` and ``intercepts_`` to begin from.
    problem : Problem
    score : ValidationScore or None
    kept : KeptOptimizer or None
        The optimizer to continue with; None for a new one.
    """
    network = network_of(problem.spec, problem.home, estimator.coefs_, estimator.intercepts_)
    observers = () if score is None else (score,)
    _expect(estimator, scores=score is not None)
    order = _order(estimator, problem, kept)
    loop = loop_of(estimator, problem, network, order, observers, kept)
    return Fit(estimator, problem, loop, network, order)


def _order(estimator: Any, problem: Problem, kept: KeptOptimizer | None) -> Order:
    random = estimator._random_state if estimator.shuffle else None
    return Order(problem.n, random, None if kept is None else kept.order)


@dataclass(frozen=True)
class Fit:
    """One fit in progress."""

    estimator: Any
    problem: Problem
    loop: Loop
    network: Any
    order: Order

    def __call__(self, told: Callable[[Callable[[], Any]], Told] | None) -> None:
        """Train, and set the fitted attributes.

        Parameters
        ----------
        told : callable or None
            Makes the `Told` of a fit, from a function that returns the fitted attributes so
            far; None for a `partial_fit`, which is one epoch.

        Raises
        ------
        InputError
            If the weights become non-finite, and there are no earlier ones to return to.
        """
        self.estimator.n_iter_ = 0
        with closed(self.loop):
            try:
                self.one() if told is None else self.all(told(self.attributes))
            except KeyboardInterrupt:
                warn("Training interrupted by user.", stacklevel=2)
            except DivergenceError as error:
                self.diverged(error)
            except BaseException:  # of a callback: what is trained stays, as after Ctrl+C
                self.keep()
                raise
        self.keep()

    def weights(self) -> tuple[list[Any], list[Any]]:
        """The network's weights, in the caller's library."""
        return fitted(self.network.parameters, self.problem.x)

    def attributes(self) -> dict[str, Any]:
        """The fitted attributes so far."""
        coefs, intercepts = self.weights()
        return attributes_of(self.estimator) | {"coefs_": coefs, "intercepts_": intercepts}

    def one(self) -> None:
        """Train for one epoch."""
        self._record(self.loop())
        self._stops()

    def all(self, told: Told) -> None:
        """Train until the loss or the score no longer improves, or for `max_iter` epochs."""
        while True:
            end = told.epoch()
            self._record(self.loop())
            stops = self._stops()
            if end() or stops or self.loop.attached.stops(self.loop.course.epochs):
                break
            if self.estimator.n_iter_ == self.estimator.max_iter:
                self._warn_of_last()
                break
        told.end()

    def keep(self) -> None:
        """Set the fitted weights, and what a later fit continues from."""
        estimator = self.estimator
        last = self.order.last if estimator.resume else None
        estimator._optimizer = kept_optimizer(self.loop.course, last)
        best = estimator._best if estimator.early_stopping else self.weights()
        estimator.coefs_, estimator.intercepts_ = best

    def diverged(self, error: DivergenceError) -> None:
        """Keep the best weights so far or, without early stopping, refuse to go on."""
        estimator = self.estimator
        if not estimator.early_stopping:
            raise InputError(NON_FINITE) from error
        estimator.n_iter_ += 1
        estimator.loss_ = float("nan")
        estimator.loss_curve_.append(estimator.loss_)
        estimator.validation_scores_.append(float("nan"))
        warn(f"{error}", ConvergenceWarning, stacklevel=2)

    def _record(self, epoch: Epoch | None) -> None:
        """Set the attributes that an epoch changes."""
        assert epoch is not None, "the loop has as many epochs as this fit asks for"
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.problem.n
        estimator.loss_ = epoch.cost
        estimator.loss_curve_.append(epoch.cost)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {epoch.cost:.8f}")
        if (score := epoch.observed.get("validation_score")) is not None:
            self._score(score)
        if not estimator.early_stopping:
            self._count(epoch.cost > estimator.best_loss_ - estimator.tol)
            estimator.best_loss_ = min(estimator.best_loss_, epoch.cost)
        if self._rate_is_set and estimator.learning_rate == "invscaling":
            self.loop.course.eta = (
                float(estimator.learning_rate_init) / (estimator.t_ + 1) ** estimator.power_t
            )

    def _score(self, score: float) -> None:
        estimator = self.estimator
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        best = estimator.best_validation_score_
        if estimator.early_stopping:
            self._count(score < best + estimator.tol)
        if score > best:
            estimator.best_validation_score_ = score
            estimator._best = self.weights()

    def _count(self, worse: bool) -> None:
        count = self.estimator._no_improvement_count
        self.estimator._no_improvement_count = count + 1 if worse else 0

    def _stops(self) -> bool:
        """Whether training ends since nothing improves; "adaptive" then first slows down."""
        estimator = self.estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Validation score" if estimator.early_stopping else "Training loss"
        text = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs."
        )
        rate: Any = self.loop.course.eta
        adaptive = self._rate_is_set and estimator.learning_rate == "adaptive"
        if not adaptive or rate <= _SMALLEST_RATE:
            self._say(f"{text}{' Learning rate too small.' * adaptive} Stopping.")
            return True
        self.loop.course.eta = rate / 5.0
        self._say(f"{text} Setting learning rate to {rate / 5.0:f}")
        estimator._no_improvement_count = 0
        return False

    def _warn_of_last(self) -> None:
        warn(
            f"Stochastic Optimizer: Maximum iterations ({self.estimator.max_iter}) reached and "
            "the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    @property
    def _rate_is_set(self) -> bool:
        """Whether the parameter `learning_rate` says how the rate changes."""
        return self.estimator.solver == "sgd" and self.estimator.optimizer is None

    def _say(self, text: str) -> None:
        if self.estimator.verbose:
            print(text)
