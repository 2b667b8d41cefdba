"""scikit-learn's multi-layer perceptrons, trained by bpx; `bpx.sklearn` is the name to import.

>>> from bpx.sklearn import MLPClassifier, MLPRegressor
"""

from bpx.errors import BackendError

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise BackendError(
        "bpx.sklearn needs scikit-learn, which is not installed; install it in a clone of bpx "
        "with: pip install '.[sklearn]'"
    ) from error

from bpx.interop.sklearn.classifier import MLPClassifier
from bpx.interop.sklearn.converters import register_converters
from bpx.interop.sklearn.regressor import MLPRegressor
from bpx.interop.sklearn.transformer import MLPTransformer

__all__ = ["MLPClassifier", "MLPRegressor", "MLPTransformer", "register_converters"]
