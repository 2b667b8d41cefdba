"""The share of a step that is the floor."""

from benchmarks import floor
from benchmarks.settings import Settings
from tests.benchmarks.small import TINY


def test_the_share_that_is_the_floor():
    case = TINY["S"]
    times = {"products alone": [2.0], "bpx numpy": [8.0], "PyTorch eager": [9.0]}
    results = {"training": {"S": {"microseconds": times}}}
    ((name, part),) = floor.measure(Settings((case,), (), window=0.0), results)
    assert part["shares"].keys() == {"bpx numpy"}
    assert part["shares"]["bpx numpy"]["products"] == 0.25
    assert "| bpx numpy | 0.25 |" in floor.show(name, part)
    ((name, part),) = floor.measure(Settings((case,), (), window=0.0), {})
    assert "products alone not measured" in floor.show(name, part)
