"""What parts cost: each library takes its turn in each round."""

import json

import pytest

from benchmarks import parts
from benchmarks.cases import CASES


def test_the_recipes_are_the_case_without_and_with_the_parts():
    plain, full = parts.of(CASES["M"]).values()
    assert (
        plain.short == "784-512-512-10, ReLU, Adam, eta 0.001, 2 epochs of mini-batches of 128"
    )
    assert "LayerNorm, dropout 0, 0.5, 0.5, AdamW, decay 0.01, one cycle" in full.short


def test_it_prints_and_writes(tiny, capsys, tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "times.json"
    parts.main(["--rounds", "2", "--out", str(out)])
    assert "÷ bpx, the same" in capsys.readouterr().out
    times = json.loads(out.read_text())["times"]
    assert [len(each) for each in times.values()] == [2] * 4
    assert min(min(each) for each in times.values()) > 0
