"""Children: processes in which a measurement is the first."""

import pytest

from benchmarks import fresh
from tests.benchmarks.small import HERE, TINY


def test_a_child_that_fails_says_why():
    with pytest.raises(fresh.ChildError, match="KeyError"):
        fresh.result("first_step", HERE["bpx numpy"], TINY["S"], "nowhere")
