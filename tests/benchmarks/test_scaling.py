"""Two ranks beside one: what a job is told, and what the tables say."""

import json
import sys
from importlib.util import find_spec

import pytest

from benchmarks import machine, scaling
from benchmarks.children import scaling as child
from benchmarks.scaling import DDP, ONE, TORCH, TWO, measure, rows
from tests.benchmarks.small import TINY
from tests.launching import needs_mpi

PARTS = {"step": 10.0, "computed": 8.0, "waited": 1.0, "summed": 1.0}


def test_the_rows_compare_each_way_with_two_ranks():
    times = {ONE: [18.0] * 3, TWO: [10.0] * 3, DDP: [12.0] * 3, TORCH: [20.0] * 3}
    one, ddp, torch = rows("1024", {"microseconds": times})
    assert one[:2] == ("1024", ONE)
    assert one[4:] == ("1.80 [1.80, 1.80]", "1.6", "yes")
    assert ddp[4:] == ("1.20 [1.20, 1.20]", "1.3", "no")
    assert torch[4:] == ("2.00 [2.00, 2.00]", "", "")
    (only,) = rows("M", {"microseconds": {ONE: [12.0], TWO: [10.0]}})
    assert only[5:] == ("1.35", "no")


@pytest.mark.parametrize("way", ["bpx", "split"])
def test_a_child_trains(monkeypatch, capsys, way):
    needs_mpi()
    monkeypatch.setattr(sys, "argv", ["child", way, json.dumps(TINY["M"])])
    child.main()
    found = json.loads(capsys.readouterr().out)
    assert found["step"] > 0.0
    if way == "split":
        assert found["computed"] + found["waited"] + found["summed"] == pytest.approx(
            found["step"]
        )


def test_a_child_of_pytorch_trains(monkeypatch, capsys):
    pytest.importorskip("torch", reason="the peer is PyTorch")
    monkeypatch.setattr(sys, "argv", ["child", "torch", json.dumps(TINY["M"])])
    child.main()
    assert json.loads(capsys.readouterr().out)["step"] > 0.0


@pytest.mark.parametrize("way", [ONE, TWO, "split", DDP, TORCH])
def test_a_job_prints_its_step(way):
    needs_mpi()
    if way in (DDP, TORCH) and find_spec("torch") is None:
        pytest.skip("the peer is PyTorch")
    if find_spec("numba") is None:
        pytest.skip("numba is not installed")
    assert scaling.job(way, TINY["M"])["step"] > 0.0


def test_every_way_is_measured_in_each_round(monkeypatch):
    asked = []
    monkeypatch.setattr(scaling, "job", lambda way, case: asked.append(way) or PARTS)
    found = measure(TINY["M"], 2, (ONE, TWO))
    assert found["microseconds"] == {ONE: [10.0] * 2, TWO: [10.0] * 2}
    assert sorted(asked) == sorted([ONE, TWO] * 2 + ["split"])


def test_the_command_prints_and_writes(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(scaling, "job", lambda way, case: PARTS)
    monkeypatch.setattr(scaling, "GRID", ((64, 256), (64, 1024), (128, 256), (128, 1024)))
    monkeypatch.setattr(machine, "busy", lambda: "0.0")
    out = tmp_path / "scaling.json"
    scaling.main(["--cases", "M", "--grid", "--repeats", "1", "--out", str(out)])
    printed = capsys.readouterr().out
    for part in (
        "| M | bpx, 1 rank |",
        "| M | 10 | 80 % | 10 % | 10 % |",
        "| 2 × 128 | 1.00 |",
    ):
        assert part in printed
    found = json.loads(out.read_text())
    assert found["cases"].keys() == {"M"}
    assert len(found["grid"]) == 4
