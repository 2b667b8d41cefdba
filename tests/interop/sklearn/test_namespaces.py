"""Where an estimator computes, and whose arrays it takes and gives."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the dispatch is scikit-learn's")

import bpx
from bpx.errors import InputError
from bpx.interop.sklearn import namespaces
from bpx.interop.sklearn.namespaces import (
    beside,
    check_beside,
    home_of,
    on_host,
)
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
