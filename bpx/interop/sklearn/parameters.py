"""The parameters of the estimators: scikit-learn's, and bpx's own after them."""

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from bpx.errors import InputError
from bpx.interop.sklearn.networks import dropout_rates

__all__ = ["CONSTRAINTS", "assign", "check_together"]

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": "no_validation",  # by `bpx.activations.get`
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": "no_validation",  # by `dropout_rates`
    "optimizer": "no_validation",  # by training
    "backend": [str, None],
    "resume": ["boolean"],
    "callbacks": "no_validation",  # by training
}
"""What each parameter may be, as scikit-learn checks it when `fit` begins."""


def assign(estimator: Any, given: Mapping[str, Any]) -> None:
    """Set each argument of an `__init__` as an attribute, as scikit-learn asks."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def check_together(estimator: Any, held: tuple[Any, Any], *, incremental: bool) -> None:
    """Refuse parameters that contradict each other.

    Parameters
    ----------
    estimator
    held : pair
        The validation samples of `fit`, X_val and y_val.
    incremental : bool
        Whether this is a `partial_fit`.

    Raises
    ------
    InputError
    """
    if (held[0] is None) != (held[1] is None):
        raise InputError("one of X_val and y_val was given; give both, or neither")
    if incremental and estimator.early_stopping:
        raise InputError("partial_fit does not support early_stopping=True")
    if incremental and _is_balanced(estimator):
        raise InputError(
            "class_weight='balanced' was given, but partial_fit sees only some of the samples; "
            "pass the weights of the classes as a dict: sklearn.utils.class_weight."
            "compute_class_weight computes them"
        )
    if estimator.resume and estimator.early_stopping and held[0] is None:
        raise InputError(
            "resume=True was given with early_stopping=True, which would hold out other "
            "samples in each fit; pass X_val and y_val to fit"
        )
    given = ", ".join(_of_epochs(estimator, held))
    if estimator.solver == "lbfgs" and given:
        raise InputError(
            f"solver='lbfgs' was given with {given}, for epochs of mini-batches, which it does "
            "not have; use solver='adam' or solver='sgd'"
        )


def _of_epochs(estimator: Any, held: tuple[Any, Any]) -> Iterator[str]:
    """Yield the arguments that were given, and which only epochs of mini-batches use."""
    if np.any(np.asarray(dropout_rates(estimator.dropout)) > 0.0):
        yield f"dropout={estimator.dropout!r}"
    if estimator.optimizer is not None:
        yield "an optimizer"
    if estimator.callbacks:
        yield "callbacks"
    if held[0] is not None:
        yield "validation samples"


def _is_balanced(estimator: Any) -> bool:
    given = getattr(estimator, "class_weight", None)
    return isinstance(given, str) and given == "balanced"
