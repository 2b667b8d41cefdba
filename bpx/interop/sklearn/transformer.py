"""`MLPTransformer`: what a hidden layer makes of the samples, as features for the next step."""

from typing import Any

from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

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

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor of bpx, optional
        The network to fit; a clone of it is fitted. By default `MLPClassifier()`.
    layer : int, optional
        The hidden layer, from 1, as in the book; or from -1, the last one, backwards.

    Attributes
    ----------
    estimator_ : MLPClassifier or MLPRegressor
        The fitted network.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from bpx.sklearn import MLPRegressor, MLPTransformer
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 4.0, 9.0]
    >>> net = MLPRegressor(hidden_layer_sizes=(6, 2), solver="lbfgs", random_state=0)
    >>> MLPTransformer(net).fit(x, y).transform(x).shape
    (4, 2)
    """

    def __init__(self, estimator: Any = None, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any, **fit_params: Any) -> "MLPTransformer":
        """Fit a clone of the network.

        Parameters
        ----------
        X, y, **fit_params
            As for the network's own `fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the estimator is not bpx's, or has no such hidden layer.
        """
        estimator = self._network()
        if not isinstance(estimator, BaseMLP):
            raise InputError(
                f"estimator={estimator!r} was given; expected a bpx.sklearn.MLPClassifier or a "
                "bpx.sklearn.MLPRegressor"
            )
        sizes = hidden_sizes(estimator.hidden_layer_sizes)
        self._n_features_out = sizes[_index(self.layer, len(sizes))]
        self.estimator_ = clone(estimator).fit(X, y, **fit_params)
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
        net = self.estimator_
        depth = _index(self.layer, net.n_layers_ - 2) + 1
        return forward(net, X, "transform", self, depth)

    def _network(self) -> Any:
        return MLPClassifier() if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._network())
        tags.input_tags.sparse = own.input_tags.sparse
        tags.target_tags = own.target_tags
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
