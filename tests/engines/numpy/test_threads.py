"""How many threads the engine uses: as many as NumPy's products."""

import sys

from bpx_backends.engines.numpy import threads


def test_as_many_threads_as_the_products_use(monkeypatch):
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        assert threads.threads() == 1
    assert threads.threads() >= 1


def test_without_threadpoolctl_the_variables_say_how_many(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    free = threads.threads()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert threads.threads() == 1 <= free
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "many")
    assert threads.threads() == free
