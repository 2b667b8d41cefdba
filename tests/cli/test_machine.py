"""``bpx info``: what a bug report needs."""

import json

import numpy as np
import pytest

import bpx
from tests.cli.invoked import ok


def test_info_has_what_a_bug_report_needs():
    env = {
        "BPX_BACKEND": "numpy",
        "BPX_MIRROR": "https://me:secret@example.org/",
        "OMP_NUM_THREADS": "3",
    }
    said = ok("info", env=env)
    for part in (bpx.__version__, np.__version__, "numpy, float32", "OPENBLAS_NUM_THREADS"):
        assert part in said
    assert "secret" not in said
    assert all(info.name in said for info in bpx.backends())


def test_info_as_json():
    found = json.loads(ok("info", "--json", env={"OMP_NUM_THREADS": "3"}))
    assert found["versions"]["bpx"] == bpx.__version__
    assert found["threads"]["OMP_NUM_THREADS"] == "3"
    assert found["environment"]["BPX_DATA"] is None
    backends = {each["name"]: each for each in found["backends"]}
    assert backends["numpy"]["devices"] == ["cpu"]
    assert backends["numpy"]["problem"] is None


def test_info_shows_engines_and_thread_pools():
    said = ok("info", env={"BPX_NUMBA": "off"})
    assert "numba" in said
    assert "operation by operation" in said
    found = json.loads(ok("info", "--json"))
    assert all("threads" in pool for pool in found["pools"])
    assert isinstance(found["warnings"], list)


@pytest.mark.parametrize(("number", "count"), [(1, 0), (2, 1)])
def test_info_says_in_one_line_when_to_limit_blas(number, count):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(number, user_api="blas"):
        said, found = ok("info"), json.loads(ok("info", "--json"))
    lines = [line for line in said.splitlines() if "threadpool_limits(1)" in line]
    assert len(lines) == len(found["notes"]) == count


def test_info_tells_of_a_backend_that_cannot_be_used():
    assert "there is no backend 'nonsense'" in ok("info", env={"BPX_BACKEND": "nonsense"})
