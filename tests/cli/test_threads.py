"""The thread pools of this process, and whether its products use the CPU's AVX-512."""

import sys

import pytest

from bpx.cli import threads
from bpx.cli.threads import slower_kernel


@pytest.mark.parametrize(
    ("kernel", "features", "slower"),
    [
        ("Haswell", ["X86_V3", "X86_V4"], True),
        ("Zen", ["AVX2", "AVX512F", "AVX512CD"], True),
        ("Prescott", ["X86_V4"], True),
        ("SkylakeX", ["X86_V3", "X86_V4", "AVX512_ICL"], False),
        ("SapphireRapids", ["X86_V4"], False),
        ("a kernel of tomorrow's", ["X86_V4"], False),
        ("Haswell", ["X86_V2", "X86_V3"], False),
        ("neoversen1", ["ASIMD"], False),
    ],
)
def test_a_kernel_of_openblas_that_leaves_avx512_unused(kernel, features, slower):
    told = slower_kernel(kernel, features)
    assert (told is not None) == slower
    if told:
        assert kernel in told
        assert "OPENBLAS_CORETYPE=SkylakeX" in told


BLAS = {
    "user_api": "blas", "internal_api": "openblas", "prefix": "libopenblas",
    "version": "0.3.27", "architecture": "Haswell", "num_threads": 4,
}  # fmt: skip
OPENMP = {
    "user_api": "openmp", "internal_api": "openmp", "prefix": "libgomp", "version": None,
    "num_threads": 8,
}  # fmt: skip


@pytest.fixture
def pools(monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: [BLAS, OPENMP])


@pytest.mark.usefixtures("pools")
def test_each_pool_is_told_with_its_kernel_and_threads():
    assert threads.pools() == [
        "openblas 0.3.27 Haswell, 4 threads (libopenblas)",
        "openmp, 8 threads (libgomp)",
    ]


@pytest.mark.usefixtures("pools")
@pytest.mark.parametrize(("found", "count"), [(["AVX2"], 0), (["AVX2", "AVX512F"], 1)])
def test_a_warning_is_of_this_cpu_and_of_its_blas(monkeypatch, found, count):
    built = {"SIMD Extensions": {"baseline": ["SSE"], "found": found}}
    monkeypatch.setattr(threads.np, "show_config", lambda mode: built)
    assert len(threads.warnings()) == count


@pytest.mark.usefixtures("pools")
def test_blas_on_several_threads_is_noted():
    (told,) = threads.notes()
    assert told.startswith("each product runs on 4 threads")
    assert "OMP_NUM_THREADS=1" in told


@pytest.mark.parametrize("pools", [[], [BLAS | {"num_threads": 1}, OPENMP]])
def test_blas_on_one_thread_needs_no_note(pools, monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: pools)
    assert threads.notes() == []


def test_without_threadpoolctl_it_is_told_how_to_know(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert threads.pools() == ["not known: pip install threadpoolctl"]
    assert threads.warnings() == []
    assert threads.notes() == []
