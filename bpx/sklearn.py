"""Estimators for scikit-learn, under the names of its own: see `bpx.interop.sklearn`.

>>> from bpx.sklearn import MLPClassifier
"""

from bpx.interop.sklearn import (
    MLPClassifier,
    MLPRegressor,
    MLPTransformer,
    register_converters,
)

__all__ = ["MLPClassifier", "MLPRegressor", "MLPTransformer", "register_converters"]
