"""What the classifier and the regressor share: validation, `fit`, and the forward pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, validate_data

from bpx.arrays.host import HostArray
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import give_back
from bpx.costs import Cost
from bpx.errors import InputError
from bpx.interop.sklearn.callbacks import (
    CallbackSupportMixin,
    Told,
    attributes_of,
    with_callbacks,
)
from bpx.interop.sklearn.lbfgs import fit_lbfgs
from bpx.interop.sklearn.namespaces import float_dtypes, home_of, on_host
from bpx.interop.sklearn.networks import (
    first_weights,
    hidden_sizes,
    spec_of,
)
from bpx.interop.sklearn.parameters import check_together
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.restoring import restored
from bpx.interop.sklearn.scores import ValidationScore
from bpx.interop.sklearn.stochastic import NON_FINITE, begin, prepared
from bpx.model.spec import Spec

__all__ = ["BaseMLP"]


class BaseMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """A multi-layer perceptron; `MLPClassifier` and `MLPRegressor` derive from it."""

    hidden_layer_sizes: Any
    solver: str
    backend: str | None
    n_outputs_: int

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Fit the network to samples X and targets y.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)
            float32 samples train a float32 network; all others are converted to float64.
        y : array, shape (n,) or (n, outputs)
        sample_weight : array, shape (n,), optional
        X_val, y_val, sample_weight_val : optional
            Validation samples, scored after each epoch into ``validation_scores_``. With
            `early_stopping` they replace the fraction that is held out of X.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If an argument cannot be used, or the weights become non-finite.
        """
        held = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, held, incremental=False)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        held: tuple[Any, Any, Any],
        *,
        incremental: bool,
    ) -> Any:
        with restored(self):
            problem = self._prepared(X, y, sample_weight, held, incremental=incremental)
            train = self._trainer(problem, held, incremental=incremental)
        train()
        self._check_finite()
        return self

    def _prepared(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        held: tuple[Any, Any, Any],
        *,
        incremental: bool,
    ) -> Problem:
        """Check all that is given, and set the attributes with which training begins."""
        hidden = hidden_sizes(self.hidden_layer_sizes)
        check_together(self, held[:2], incremental=incremental)
        again = incremental or self.warm_start or self.resume
        first = not hasattr(self, "coefs_") or not again
        rule = self._class_rule(incremental=incremental)
        X, targets = self._validated(X, on_host(y), first=first, classes=rule)
        s = self._weights(X, targets, sample_weight)
        if not (self.resume and hasattr(self, "_random_state")) or first:
            self._random_state = check_random_state(self.random_state)
        encoded, outputs = self._encoded(targets)
        if not first:
            self._check_sizes(hidden, outputs)
        self.n_outputs_ = outputs
        sizes = [int(X.shape[1]), *hidden, outputs]
        if first:
            self._begin(sizes, dtype_name(X), X)
        return self._problem(X, encoded, s, sizes)

    def _check_sizes(self, hidden: list[int], outputs: int) -> None:
        if outputs != self.n_outputs_:
            raise InputError(
                f"y has {outputs} outputs, but the last fit had {self.n_outputs_}; give as many"
            )
        if hidden != (last := self._sizes()[1:-1]):
            raise InputError(
                f"hidden_layer_sizes={hidden} was given, but the last fit, which this one "
                f"continues, had {last}; give the same, or begin with another estimator"
            )

    def _begin(self, sizes: list[int], dtype: str, like: Any) -> None:
        """Set the attributes of a first fit."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._output()
        coefs, intercepts = first_weights(self, sizes, dtype, self._random_state)
        self.coefs_ = [give_back(w, like) for w in coefs]
        self.intercepts_ = [give_back(b, like) for b in intercepts]
        self.__dict__.pop("_optimizer", None)
        if self.solver != "lbfgs":
            begin(self)

    def _problem(
        self, X: Any, encoded: HostArray, s: HostArray | None, sizes: list[int]
    ) -> Problem:
        """Return what to minimise, on samples of the dtype of the weights."""
        by_lbfgs = self.solver == "lbfgs"
        dtype = "float64" if by_lbfgs else dtype_name(self.coefs_[0])
        instead = "pass X.astype('float32')" + (" and choose solver='adam'" if by_lbfgs else "")
        home = home_of(X, self.backend, dtype, instead)
        spec = self._spec(sizes)
        share = 1.0 / self.n_outputs_ if self._loss_is_mean() else 1.0
        return Problem(spec, home, X, encoded, s, float(self.alpha), share)

    def _trainer(
        self, problem: Problem, held: tuple[Any, Any, Any], *, incremental: bool
    ) -> Callable[[], None]:
        """Prepare the training; what is returned trains, and sets the fitted attributes."""
        if self.solver == "lbfgs":
            return partial(self._fit_lbfgs, problem)
        kept = getattr(self, "_optimizer", None) if incremental or self.resume else None
        fit = prepared(self, *self._parted(problem, held), kept)
        told = partial(Told, self, int(self.max_iter), problem.x, problem.y)
        return partial(fit, None if incremental else told)

    def _fit_lbfgs(self, problem: Problem) -> None:
        told = Told(self, 0, problem.x, problem.y, partial(attributes_of, self))
        fit_lbfgs(self, problem)
        told.end()

    def _parted(
        self, problem: Problem, held: tuple[Any, Any, Any]
    ) -> tuple[Problem, ValidationScore | None]:
        """Return the samples to train on, and those to score after each epoch."""
        if held[0] is not None:
            return problem, ValidationScore(self._held(problem, held), self._score_encoded)
        if not self.early_stopping:
            return problem, None
        train, validation = train_test_split(
            np.arange(problem.n),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(problem.y),
        )
        if validation.size < 2:
            raise InputError(
                "The validation set is too small. Increase 'validation_fraction' or the size "
                "of your dataset."
            )
        return problem.rows(train), ValidationScore(
            problem.rows(validation), self._score_encoded
        )

    def _held(self, problem: Problem, held: tuple[Any, Any, Any]) -> Problem:
        """Return validation samples, checked and encoded as those of training."""
        X, y, sample_weight = held
        X, targets = self._validated(X, on_host(y), first=False, classes="known")
        s = self._weights(X, targets, sample_weight)
        encoded, outputs = self._encoded(targets)
        if outputs != self.n_outputs_:
            raise InputError(
                f"y_val has {outputs} outputs, but y has {self.n_outputs_}; give as many"
            )
        return replace(problem, x=X, y=encoded, s=s)

    def _weights(self, X: Any, targets: Any, sample_weight: Any) -> HostArray | None:
        if sample_weight is None:
            return None
        dtype = np.dtype(dtype_name(X))
        found: HostArray = _check_sample_weight(on_host(sample_weight), targets, dtype=dtype)
        return found

    def _class_rule(self, *, incremental: bool) -> str:
        """Whether to "learn" the classes, or expect the "same", or only "known" ones."""
        if not hasattr(self, "classes_") or not (self.warm_start or self.resume or incremental):
            return "learn"
        return "same" if self.warm_start or self.resume else "known"

    def _check_finite(self) -> None:
        each = (on_host(x) for x in (*self.coefs_, *self.intercepts_))
        if not all(np.isfinite(x).all() for x in each):
            raise InputError(NON_FINITE)

    def _spec(self, sizes: list[int]) -> Spec:
        return spec_of(self, sizes, self.out_activation_, self._cost())

    def _sizes(self) -> list[int]:
        """The widths of all layers of a fitted estimator."""
        return [int(self.coefs_[0].shape[0]), *(int(w.shape[1]) for w in self.coefs_)]

    def _validated_samples(self, X: Any, y: Any, *, first: bool, **how: Any) -> tuple[Any, Any]:
        how |= {"accept_sparse": "csr", "multi_output": True, "dtype": float_dtypes(X)}
        return validate_data(self, X, y, reset=first, **how)

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags

    @abstractmethod
    def _validated(self, X: Any, y: Any, *, first: bool, classes: str) -> tuple[Any, Any]:
        """Return checked samples and targets; for `classes`, see `_class_rule`."""

    @abstractmethod
    def _encoded(self, targets: Any) -> tuple[HostArray, int]:
        """Return targets as the network learns them, and the number of outputs."""

    @abstractmethod
    def _output(self) -> str:
        """Return the last layer's activation, by scikit-learn's name."""

    @abstractmethod
    def _score_encoded(self, y: HostArray, found: HostArray, s: HostArray | None) -> float:
        """Return the score of outputs."""

    def _cost(self) -> Cost | None:
        """Return the cost; None for the one that belongs to the output."""
        return None

    def _loss_is_mean(self) -> bool:
        """Whether the reported loss is a mean over the outputs."""
        return False

    def _strata(self, encoded: HostArray) -> Any:
        """Return the classes whose shares a held-out fraction keeps, or None."""
        return None
