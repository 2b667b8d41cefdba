"""`MLPClassifier`, with the parameters and attributes of scikit-learn's."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from bpx.arrays.host import HostArray
from bpx.arrays.registry import dtype_name, namespace
from bpx.errors import InputError
from bpx.interop.sklearn.base import BaseMLP
from bpx.interop.sklearn.forward import forward
from bpx.interop.sklearn.namespaces import beside, on_host
from bpx.interop.sklearn.parameters import CONSTRAINTS, assign
from bpx.interop.sklearn.restoring import restored
from bpx.optim.chain import Optimizer
from bpx.training.attached import Callback

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron for classification, in place of scikit-learn's `MLPClassifier`.

    Change the import and nothing else: parameters, defaults, attributes, errors and warnings
    are those of scikit-learn 1.9, and the same `random_state` draws the same weights and the
    same mini-batches. bpx's engine trains the network.

    Parameters
    ----------
    hidden_layer_sizes, solver, alpha, ..., max_fun
        As in scikit-learn.
    activation : str, Activation, or list of these, optional
        The activation of the hidden layers, one for each if it is a list: ``"logistic"``,
        another name in `bpx.activations.ACTIVATIONS`, or one of your own.
    class_weight : dict or "balanced", optional
        As in other classifiers of scikit-learn: it multiplies the sample weights.
    dropout : float or list of float, optional
        The rate of dropout after the hidden layers, one for each if it is a list.
    optimizer : Optimizer, optional
        A `bpx.Adam`, a chain, or any other optimizer of bpx, with a schedule or without, in
        place of the solver's rule and learning rate.
    backend : str, optional
        Where to compute, such as ``"torch:cuda"``. By default where the samples are or, for
        NumPy arrays, where ``BPX_BACKEND`` says. The fitted attributes and the answers come
        back in the library of the samples.
    resume : bool, optional
        If True, `fit` continues the last one as if it had never stopped: with its weights, the
        optimizer's state, and the random state. `warm_start` continues with the weights alone.
    callbacks : list of callable, optional
        Called with the `bpx.Epoch` of each epoch, such as a `bpx.CSVLog`; one that returns
        True ends training. `set_callbacks` takes scikit-learn's own callbacks (1.9).

    Attributes
    ----------
    classes_ : array, shape (classes,)
    coefs_, intercepts_ : list of array
        ``coefs_[i]`` has shape (k_i, k_{i+1}): the transpose of bpx's weights.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_, t_
        As in scikit-learn, as are ``n_layers_``, ``n_outputs_``, ``out_activation_``,
        ``n_features_in_`` and ``feature_names_in_``.

    Notes
    -----
    The solver "lbfgs" computes in float64, whatever the dtype of the samples.

    Examples
    --------
    >>> from bpx.sklearn import MLPClassifier
    >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> net = MLPClassifier(8, solver="lbfgs", random_state=1).fit(x, y)
    >>> print(net.predict(x))
    ['no' 'yes' 'yes' 'no']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }
    loss: ClassVar[str] = "log_loss"

    def __init__(
        self,
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
        class_weight: Any = None,
        dropout: float | Sequence[float] = 0.0,
        optimizer: Optimizer | None = None,
        backend: str | None = None,
        resume: bool = False,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        assign(self, locals())

    @available_if(BaseMLP._check_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Train for one epoch on samples X and labels y, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, shape (classes,), optional
            All classes; needed in the first call.

        Returns
        -------
        self
        """
        with restored(self):
            if _check_partial_fit_first_call(self, classes):
                multilabel = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
            self._fit(X, y, sample_weight, (None, None, None), incremental=True)
        return self

    def predict(self, X: Any) -> Any:
        """Return the class of each sample, or the indicators of its labels.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)

        Returns
        -------
        array, shape (n,) or (n, labels)
        """
        found = forward(self, X, "predict")
        host = on_host(found)
        labels = self._label_binarizer.inverse_transform(
            host[:, 0] if self.n_outputs_ == 1 else host
        )
        return beside(labels, found)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)

        Returns
        -------
        array, shape (n, classes)
        """
        return self._probabilities(X, "predict_proba")

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)

        Returns
        -------
        array, shape (n, classes)
        """
        found = self._probabilities(X, "predict_log_proba")
        return namespace(found).log(found)

    def _probabilities(self, X: Any, method: str) -> Any:
        found = forward(self, X, method)
        if self.n_outputs_ > 1:
            return found
        return namespace(found).concat([1.0 - found, found], axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _validated(self, X: Any, y: Any, *, first: bool, classes: str) -> tuple[Any, Any]:
        X, y = self._validated_samples(X, y, first=first)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if classes == "learn":
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y), same=classes == "same")
        return X, y

    def _check_classes(self, found: HostArray, *, same: bool) -> None:
        if same and set(found) != set(self.classes_):
            raise InputError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        if not same and np.setdiff1d(found, self.classes_, assume_unique=True).size:
            raise InputError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}."
            )

    def _encoded(self, targets: Any) -> tuple[HostArray, int]:
        if targets.ndim == 2 or self._label_binarizer.y_type_.startswith("multilabel"):
            marks = np.asarray(self._label_binarizer.transform(targets))
            return marks.astype(np.float32), marks.shape[1]
        # `_validated` has checked these labels, and the binarizer would check them again: a
        # seventh of the time of a `partial_fit` of 32 samples.
        codes = np.searchsorted(self.classes_, targets)
        if self._output() == "softmax":
            return codes.astype(np.int32), len(self.classes_)
        return codes.astype(np.float32)[:, None], 1

    def _weights(self, X: Any, targets: Any, sample_weight: Any) -> HostArray | None:
        s = super()._weights(X, targets, sample_weight)
        if self.class_weight is None:
            return s
        by_class: HostArray = compute_sample_weight(self.class_weight, targets)
        by_class = by_class.astype(dtype_name(X))
        return by_class if s is None else s * by_class

    def _output(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _strata(self, encoded: HostArray) -> Any:
        return encoded.astype(bool) if self.n_outputs_ == 1 else None

    def _score_encoded(self, y: HostArray, found: HostArray, s: HostArray | None) -> float:
        answers = found.argmax(axis=1) if y.ndim == 1 else found > 0.5
        score: float = accuracy_score(y if y.ndim == 1 else y > 0.5, answers, sample_weight=s)
        return score
