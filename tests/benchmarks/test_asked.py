"""What is asked of bpx, and what is answered."""

import pytest

from benchmarks import asked
from benchmarks.cases import CASES
from benchmarks.peers import PEERS


def of(case, **times):
    names = {"numba": "bpx numpy+numba", "alone": "bpx numpy", "eager": "PyTorch eager"}
    names |= {"scan": "JAX scan", "products": "products alone", "cupy": "bpx cupy"}
    return {case: {"microseconds": {names[name]: each for name, each in times.items()}}}


def test_what_is_asked_is_answered():
    found = list(asked.answers("cpu", "wall", of("S", alone=[10.0, 20.0], eager=[30.0, 40.0])))
    assert len(found) == sum(len(each.least) for each in asked.ASKED)
    shown = asked.show(found)
    about = "numpy alone against PyTorch eager, CPU"
    assert f"| {about} | 2.33 < 3.50 | ≥ 0.90 | ≥ 1.00 |  |  |  |" in shown
    told = "2.33 | [2.00, 3.00] | 2.50 [2.00, 3.00] | 3.00 | no |"
    assert f"| {about} | S | 3.50 | {told}" in shown
    assert "| cupy against PyTorch eager, GPU | ≥ 5.00 | ≥ 3.00 | ≥ 1.10 |  |  |  |" in shown
    assert "| cupy against PyTorch eager, GPU | S |" not in shown


def test_without_measurements_the_targets_stand_alone():
    shown = asked.show(list(asked.answers("cpu", "cpu", {})))
    assert "| numpy + numba against PyTorch eager, CPU, one core, CPU time | ≥ 16.00 |" in shown
    assert "interval" not in shown


def test_what_is_asked_of_a_gpu_is_not_answered_by_a_cpu():
    training = of("S", cupy=[1.0], eager=[6.0], numba=[1.0])
    measured = {
        device: [
            each["what"] for each in asked.answers(device, "wall", training) if each["met"]
        ]
        for device in ("cpu", "cuda")
    }
    assert measured == {
        "cpu": ["numpy + numba against PyTorch eager, CPU, wall clock"],
        "cuda": ["cupy against PyTorch eager, GPU"],
    }


@pytest.mark.parametrize(("clock", "least", "met"), [("cpu", 16.0, False), ("wall", 4.0, True)])
def test_a_clock_has_targets_of_its_own(clock, least, met):
    training = of("S", numba=[1.0], eager=[10.0])
    (found,) = (each for each in asked.answers("cpu", clock, training) if each["ratio"])
    assert (found["least"], found["met"]) == (least, met)


@pytest.mark.parametrize(("case", "met"), [("M", True), ("H", False)])
def test_in_some_cases_the_lower_end_of_the_interval_decides(case, met):
    training = of(case, numba=[1.0, 1.0, 1.0, 1.0, 1.0], scan=[0.9, 1.1, 1.2, 1.1, 0.9])
    (found,) = (each for each in asked.answers("cpu", "cpu", training) if each["ratio"])
    assert found["ratio"] == pytest.approx(1.1)
    assert found["interval"][0] == pytest.approx(0.9)
    assert found["met"] is met
    shown = asked.show([found])
    assert ("0.90 < 0.97 *" in shown) is not met
    assert ("1.10 ≥ 1.00" in shown) is met


def test_a_share_of_the_products_is_a_ratio_as_any_other():
    training = of("deep", numba=[2.0], products=[1.9])
    (found,) = (each for each in asked.answers("cpu", "cpu", training) if each["ratio"])
    assert found["what"].startswith("numpy + numba: share of the products")
    assert (found["ratio"], found["met"]) == (0.95, True)


def test_what_is_asked_can_be_measured():
    devices = {(peer.name, device) for peer in PEERS for device in peer.devices}
    for each in asked.ASKED:
        assert {(each.bpx, each.device), (each.other, each.device)} <= devices
        assert each.least.keys() <= set(asked.CASES) <= CASES.keys()
        assert set(each.surely) <= each.least.keys()
