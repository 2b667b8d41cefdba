"""The examples: short, and they do what they say."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from tests.launching import alone, under_mpi, under_torchrun

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert "dqn" in {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("launched", [under_mpi, under_torchrun, alone])
def test_processes_train_the_digits_together(monkeypatch, tmp_path, launched):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    monkeypatch.chdir(tmp_path)
    example = EXAMPLES[0].with_name("several_ranks.py").read_text(encoding="utf-8")
    told = launched(*([] if launched is alone else [2]), example)
    costs = re.findall(r"^epoch (\d): cost (\S+), accuracy (\S+)%", told, re.M)
    assert [number for number, *_ in costs] == ["1", "2", "3", "4", "5"]
    assert float(costs[-1][1]) == pytest.approx(1.863, abs=0.01)
    assert float(costs[-1][2]) > 84.0


def test_the_pole_stays_up_longer_and_longer():
    dqn = runpy.run_path(str(EXAMPLES[0].with_name("dqn.py")))
    lengths = dqn["play"](dqn["Agent"](0), 0)
    assert np.mean(lengths[-20:]) > 3.0 * np.mean(lengths[:20])
