"""Where an estimator computes, and whose arrays it takes and gives."""

import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the dispatch is scikit-learn's")

import bpx
from bpx.errors import BackendError, InputError
from bpx.interop.sklearn import namespaces
from bpx.interop.sklearn.namespaces import (
    beside,
    check_beside,
    home_of,
    on_host,
)
from bpx.sklearn import MLPClassifier
from tests.backends import host


def test_the_home_is_where_the_samples_are(target):
    x = target.asarray([[1.0]])
    home = home_of(x, None, "float64")
    assert home.dtype == "float64"
    assert home.owns(x)


def test_numpy_samples_leave_the_choice_to_bpx(target):
    with bpx.use(target.spec):
        assert str(home_of(np.ones((1, 1)), None, "float32")).startswith(
            target.spec.partition(":")[0]
        )
    assert (
        home_of(np.ones((1, 1)), target.spec, "float32").backend.name
        == (target.spec.partition(":")[0])
    )


def test_without_float64_the_error_tells_what_else_to_do(monkeypatch):
    def select(backend, dtype):
        raise BackendError(f"{dtype} needs a mode of {backend} that is off")

    monkeypatch.setattr(namespaces, "select", select)
    with pytest.raises(BackendError, match=r"that is off; or pass X\.astype\('float32'\)$"):
        home_of(np.ones((1, 1)), "jax", "float64", "pass X.astype('float32')")
    for other in (("jax", "float64"), ("jax", "float32", "pass X")):
        with pytest.raises(BackendError, match=r"that is off$"):
            home_of(np.ones((1, 1)), *other)


@pytest.mark.parametrize(
    ("solver", "more"), [("adam", ""), ("lbfgs", " and choose solver='adam'")]
)
def test_a_fit_tells_to_pass_float32(monkeypatch, solver, more):
    def select(backend, dtype):
        raise BackendError(f"no {dtype}")

    monkeypatch.setattr(namespaces, "select", select)
    said = f"no float64; or pass X.astype('float32'){more}"
    with pytest.raises(BackendError, match=f"{re.escape(said)}$"):
        MLPClassifier(solver=solver).fit([[0.0], [1.0]], [0, 1])


def test_answers_go_beside_the_samples_unless_they_are_texts(target):
    x = target.asarray([[1.0]])
    found = beside(np.array([3, 4]), x)
    np.testing.assert_array_equal(host(found), [3, 4])
    assert type(found) is type(x)
    names = np.array(["a", "b"])
    assert beside(names, x) is names
    np.testing.assert_array_equal(on_host(found), [3, 4])


def test_with_dispatch_samples_from_elsewhere_are_refused(target, monkeypatch):
    x = target.asarray([[1.0]])
    if isinstance(x, np.ndarray):
        pytest.skip("NumPy's arrays are where NumPy's are")
    check_beside(np.ones((1, 1)), x, "f()")
    # scikit-learn itself lets nobody dispatch unless SCIPY_ARRAY_API was set at its import.
    monkeypatch.setattr(namespaces, "get_config", lambda: {"array_api_dispatch": True})
    check_beside(x, x, "f()")
    with pytest.raises(InputError, match=r"passed to f\(\) must use the same namespace"):
        check_beside(np.ones((1, 1)), x, "f()")
