"""`MLPRegressor`, with the parameters and attributes of scikit-learn's."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from bpx import costs
from bpx.arrays.host import HostArray
from bpx.arrays.registry import dtype_name
from bpx.costs import Cost
from bpx.errors import InputError
from bpx.interop.sklearn.base import BaseMLP
from bpx.interop.sklearn.deviance import poisson_deviance
from bpx.interop.sklearn.forward import forward
from bpx.interop.sklearn.parameters import CONSTRAINTS, assign
from bpx.optim.chain import Optimizer
from bpx.training.attached import Callback

__all__ = ["MLPRegressor"]

_LOSSES = ("squared_error", "poisson", "absolute_error", "quantile")


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron for regression, in place of scikit-learn's `MLPRegressor`.

    Change the import and nothing else: parameters, defaults, attributes, errors and warnings
    are those of scikit-learn 1.9, and the same `random_state` draws the same weights and the
    same mini-batches. bpx's engine trains the network.

    Parameters
    ----------
    loss : str or Cost, optional
        ``"squared_error"`` or ``"poisson"``, as in scikit-learn; ``"absolute_error"`` or
        ``"quantile"``; or a cost of `bpx.costs`, such as ``bpx.costs.huber(1.0)``.
    hidden_layer_sizes, solver, alpha, ..., max_fun
        As in scikit-learn.
    activation, dropout, optimizer, backend, resume, callbacks
        As for `MLPClassifier`.
    quantile : float, optional
        The quantile in (0, 1) that ``loss="quantile"`` predicts. By default the median.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, ...
        As for `MLPClassifier`.

    Notes
    -----
    The solver "lbfgs" computes in float64. With several outputs it minimises the sum of their
    squared errors, whose gradient scikit-learn uses as well, beside the value of their mean;
    ``loss_`` is the mean.

    Examples
    --------
    >>> from bpx.sklearn import MLPRegressor
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 4.0, 9.0]
    >>> net = MLPRegressor(solver="lbfgs", activation="tanh", random_state=0).fit(x, y)
    >>> print(net.score(x, y) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": "no_validation",
        "quantile": "no_validation",
    }

    def __init__(
        self,
        loss: str | Cost = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        quantile: float = 0.5,
        dropout: float | Sequence[float] = 0.0,
        optimizer: Optimizer | None = None,
        backend: str | None = None,
        resume: bool = False,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        assign(self, locals())

    @available_if(BaseMLP._check_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Train for one epoch on samples X and targets y, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        self
        """
        found: MLPRegressor = self._fit(
            X, y, sample_weight, (None, None, None), incremental=True
        )
        return found

    def predict(self, X: Any) -> Any:
        """Return the predicted numbers.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)

        Returns
        -------
        array, shape (n,) or (n, outputs)
        """
        found = forward(self, X, "predict")
        return found[:, 0] if found.shape[1] == 1 else found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the share of the variance of y that the predictions explain.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        float
            1 for predictions without error; 0 for the mean of y.

        Raises
        ------
        ValueError
            If the loss has several outputs for each target.
        """
        cost = self._cost()
        if cost is not None and cost.per_target > 1:
            raise InputError(
                f"loss={cost.name} has {cost.per_target} outputs for each target, and R² is "
                "for one; compare columns of predict(X) with a metric of the loss, such as "
                "sklearn.metrics.mean_pinball_loss for a quantile"
            )
        found: float = super().score(X, y, sample_weight)
        return found

    def _validated(self, X: Any, y: Any, *, first: bool, classes: str) -> tuple[Any, Any]:
        self._cost()  # refuses an unknown loss
        X, y = self._validated_samples(X, y, first=first, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if getattr(y.dtype, "kind", "") in "SU":
            raise InputError(
                f"y holds text, {y.reshape(-1)[0].item()!r}; expected numbers: "
                "y.astype(float), or an MLPClassifier if they are classes"
            )
        y = y.astype(dtype_name(X))
        if self._output() == "exp" and (y < 0).any():
            raise InputError(
                f"y has {float(y.min())!r}; with loss='poisson', expected numbers of at least 0"
            )
        return X, y

    def _encoded(self, targets: Any) -> tuple[HostArray, int]:
        cost = self._cost()
        each = 1 if cost is None else cost.per_target
        y: HostArray = np.repeat(targets.reshape(len(targets), -1), each, axis=1)
        return y, y.shape[1]

    def _output(self) -> str:
        cost = self._cost()
        wanted = () if cost is None else cost.outputs or ()
        names = [each.name for each in wanted]
        return "exp" if "exponential" in names else "identity"

    def _cost(self) -> Cost | None:
        if isinstance(self.loss, Cost):
            return _for_numbers(self.loss)
        if self.loss not in _LOSSES:
            known = ", ".join(map(repr, _LOSSES))
            raise InputError(
                f"The 'loss' parameter of MLPRegressor must be one of {known}, or a bpx cost; "
                f"got {self.loss!r}"
            )
        made = {
            "poisson": lambda: poisson_deviance,
            "absolute_error": lambda: costs.mae,
            "quantile": lambda: costs.quantile(self.quantile),
        }
        return made[self.loss]() if self.loss in made else None

    def _loss_is_mean(self) -> bool:
        return isinstance(self.loss, str) and self.loss == "squared_error"

    def _score_encoded(self, y: HostArray, found: HostArray, s: HostArray | None) -> float:
        score: float = r2_score(y, found, sample_weight=s)
        return score


def _for_numbers(cost: Cost) -> Cost:
    if cost.targets in ("binary", "one_hot", "distribution"):
        raise InputError(
            f"loss={cost.name} was given, a cost of classes; expected one for numbers, such as "
            "bpx.costs.huber(1.0), or an MLPClassifier"
        )
    return cost
