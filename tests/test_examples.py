"""The examples: short, and they do what they say."""

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert "dqn" in {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_the_pole_stays_up_longer_and_longer():
    dqn = runpy.run_path(str(EXAMPLES[0].with_name("dqn.py")))
    lengths = dqn["play"](dqn["Agent"](0), 0)
    assert np.mean(lengths[-20:]) > 3.0 * np.mean(lengths[:20])
