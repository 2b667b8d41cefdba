"""What all tests share: the `target` fixture, and a clean choice of backend."""

import os
import random
import secrets
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from tests import gpu, xla
from tests.backends import flags, params, problem

# float64 is to be tested on JAX too. Every array that bpx makes has its dtype written out,
# so that this changes nothing else; the refusal without x64 is tested in a process of its own.
os.environ.setdefault("JAX_ENABLE_X64", "1")
# On a GPU the first worker's JAX would take three quarters of the memory from the others.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
xla.keep_programs()
# As many tests run at once as there are cores. With more threads, those of NumPy's products
# would spend most of the tests' time waiting for each other.
threadpool_limits(1, user_api="blas")

# No test depends on time: a busy machine draws slowly.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any")


def pytest_addoption(parser):
    gpu.add_option(parser)


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):  # the others of -n have ended
        xla.prune()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    gpu.failed_test(item, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    gpu.failed_module(collector, report)
    return report


@pytest.fixture(params=params())
def target(request):
    """Each backend, device and mode in turn; skipped, with the reason, where it cannot run."""
    reason = problem(request.param.spec)
    if reason:
        pytest.skip(reason)
    with flags(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def _no_choice_from_outside(monkeypatch):
    monkeypatch.delenv("BPX_BACKEND", raising=False)
    monkeypatch.delenv("BPX_DTYPE", raising=False)
    # Compiling takes seconds: where numba is meant to run, the test says so.
    monkeypatch.setenv("BPX_NUMBA", "off")
    # Large kernels are still split: the engine would take as many threads as the products.
    monkeypatch.setattr("bpx_backends.engines.numpy.replay.threads", lambda: 2)


@pytest.fixture(autouse=True)
def _same_every_time(request, monkeypatch):
    """Where a test gives no seed, those that bpx draws are its own, not the day's."""
    drawn = random.Random(request.node.nodeid)
    monkeypatch.setattr(secrets, "randbits", drawn.getrandbits)


@pytest.fixture(autouse=True, scope="module")
def _few_programs():
    yield
    xla.forget()


@pytest.fixture
def mnist():
    """Real MNIST, from the folder that BPX_DATA names."""
    import bpx

    folder = os.environ.get("BPX_DATA")
    if not folder or not list(Path(folder).glob("**/train-images-idx3-ubyte*")):
        pytest.skip("BPX_DATA names no folder with the MNIST files")
    return bpx.data.load("mnist", folder=folder)


def pytest_report_header():
    here = [
        name
        for name in ("numpy", "cupy", "torch", "jax", "array_api_strict")
        if find_spec(name)
    ]
    return f"array libraries: {', '.join(here)}"


def pytest_terminal_summary(terminalreporter):
    """Why tests were skipped: each reason once, with how often."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, times in reasons.most_common():
        terminalreporter.write_line(f"skipped {times}: {reason}")
