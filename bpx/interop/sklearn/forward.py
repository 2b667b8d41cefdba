"""The forward pass of a fitted estimator, in the library and on the device of the samples."""

from typing import Any

from sklearn.utils.validation import check_is_fitted, validate_data

from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import give_back
from bpx.interop.sklearn.namespaces import check_beside, home_of
from bpx.interop.sklearn.networks import hidden_spec, parameters_of
from bpx.interop.sklearn.rows import blocks, is_sparse
from bpx.model.outputs import joined, outputs

__all__ = ["forward"]


def forward(net: Any, X: Any, method: str, by: Any = None, depth: int | None = None) -> Any:
    """Return the outputs of an estimator for samples X.

    Parameters
    ----------
    net : estimator
    X
    method : str
        The caller.
    by : estimator, optional
        Whose method it is, if not net's.
    depth : int, optional
        Return the activations of this hidden layer, from 1.
    """
    check_is_fitted(net)
    fitted = net.coefs_[0]
    check_beside(X, fitted, f"{type(by or net).__name__}.{method}()")
    X = validate_data(net, X, accept_sparse="csr", reset=False)
    sizes, home = net._sizes(), home_of(fitted, net.backend, dtype_name(fitted))
    spec = net._spec(sizes) if depth is None else hidden_spec(net, sizes, depth)
    with home.active():
        parameters = parameters_of(spec, home, net.coefs_[:depth], net.intercepts_[:depth])
        parts = (outputs(spec, parameters, x) for x in blocks(X, home))
        return give_back(joined(parts, X.shape[0]), None if is_sparse(X) else X)
