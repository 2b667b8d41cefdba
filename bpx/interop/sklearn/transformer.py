"""`MLPTransformer`: what a hidden layer makes of the samples, as features for the next step."""

from typing import Any

from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from bpx._validate import whole
from bpx.errors import InputError
from bpx.interop.sklearn.base import BaseMLP
from bpx.interop.sklearn.classifier import MLPClassifier
from bpx.interop.sklearn.forward import forward
from bpx.interop.sklearn.networks import hidden_sizes

__all__ = ["MLPTransformer"]


class MLPTransformer(
    ClassNamePrefixFeaturesOutMixin, MetaEstimatorMixin, TransformerMixin, BaseEstimator
):
    """Fit a multi-layer perceptron, and return the activations of one of its hidden layers.

    As in scikit-learn's other meta-estimators, `fit` trains a clone of the estimator, even of
    one that is fitted. ``FrozenEstimator(fitted)`` of `sklearn.frozen` is used as it is.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor of bpx, or a FrozenEstimator of one, optional
        The network. By default `MLPClassifier()`.
    layer : int, optional
        The hidden layer, from 1, as in the book; or from -1, the last one, backwards.

    Attributes
    ----------
    estimator_ : MLPClassifier or MLPRegressor
        The fitted network; that of a FrozenEstimator itself.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from bpx.sklearn import MLPRegressor, MLPTransformer
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 4.0, 9.0]
    >>> net = MLPRegressor(hidden_layer_sizes=(6, 2), solver="lbfgs", random_state=0)
    >>> MLPTransformer(net).fit(x, y).transform(x).shape
    (4, 2)

    The features of a network that is fitted already:

    >>> from sklearn.frozen import FrozenEstimator
    >>> fitted = net.fit(x, y)
    >>> MLPTransformer(FrozenEstimator(fitted), layer=1).fit(x).transform(x).shape
    (4, 6)
    """

    def __init__(self, estimator: Any = None, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "MLPTransformer":
        """Fit a clone of the network; nothing, if it is frozen.

        Parameters
        ----------
        X, y, **fit_params
            As for the network's own `fit`. A frozen network needs no y.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the estimator is not bpx's, or has no such hidden layer; or if a frozen one is
            not fitted, or was fitted to other features.
        """
        net = self._network()
        if not isinstance(net, BaseMLP):
            raise InputError(
                f"estimator={self.estimator!r} was given; expected a bpx.sklearn.MLPClassifier "
                "or a bpx.sklearn.MLPRegressor, or a FrozenEstimator of one"
            )
        if self._is_frozen():
            check_is_fitted(net)
            validate_data(net, X, accept_sparse="csr", reset=False)
            sizes = net._sizes()[1:-1]
        else:
            sizes = hidden_sizes(net.hidden_layer_sizes)
        self._n_features_out = sizes[_index(self.layer, len(sizes))]
        self.estimator_ = net if self._is_frozen() else clone(net).fit(X, y, **fit_params)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def transform(self, X: Any) -> Any:
        """Return the activations of the hidden layer.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, shape (n, features)

        Returns
        -------
        array, shape (n, units)
        """
        check_is_fitted(self)
        return forward(self.estimator_, X, "transform", self, self._depth())

    def _depth(self) -> int:
        """The hidden layer of the fitted network, from 1."""
        return _index(self.layer, self.estimator_.n_layers_ - 2) + 1

    def _is_frozen(self) -> bool:
        return isinstance(self.estimator, FrozenEstimator)

    def _network(self) -> Any:
        if self._is_frozen():
            return self.estimator.estimator
        return MLPClassifier() if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._network())
        tags.input_tags.sparse = own.input_tags.sparse
        tags.target_tags = own.target_tags
        tags.target_tags.required &= not self._is_frozen()
        tags.array_api_support = own.array_api_support
        return tags


def _index(layer: Any, hidden: int) -> int:
    """Return the index of a hidden layer, from 0."""
    if hidden == 0:
        raise InputError("the network has no hidden layer; give hidden_layer_sizes")
    expected = f"a hidden layer, 1 ... {hidden} or -1 ... -{hidden}"
    found = whole("layer", layer, -hidden, hidden, expected)
    if found == 0:
        raise InputError(f"layer=0 was given; expected {expected}")
    return found - 1 if found > 0 else hidden + found
