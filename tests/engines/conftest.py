"""What the engines' suites share."""

from importlib.util import find_spec

import pytest

from tests.backends import problem
from tests.engines.each import ENGINES, Engine, params


@pytest.fixture(params=params())
def engine(request, monkeypatch):
    """Each engine in turn; skipped, with the reason, where it cannot run."""
    target, within = ENGINES[request.param]
    if reason := problem(target.spec):
        pytest.skip(reason)
    if request.param == "numba":
        if find_spec("numba") is None:
            pytest.skip("numba is not installed")
        monkeypatch.setenv("BPX_NUMBA", "on")
    return Engine(target, within)
