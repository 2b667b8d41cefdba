"""What a cost, and the number of outputs, say about a table's target."""

import re

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")

from bpx.cli import tasks
from bpx.cli.settings import Settings
from bpx.data.tables.values import of_array
from tests.cli.invoked import ok, refused

NUMBERS, TEXTS = [0, 1, 2, 5], ["a", "b", "c", "a"]


def column(values):
    return of_array("y", np.array(values))


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({}, NUMBERS, None),
        ({"layers": (2, 1)}, NUMBERS, "numbers"),
        ({"layers": (2, 4)}, NUMBERS, "classes"),
        ({"layers": (2, 4)}, [0.5, 1.0, 2.0], None),
        ({"layers": (2, 1)}, [0, 1, 1], None),
        ({"layers": (2, 1)}, TEXTS, None),
        ({"cost": "poisson"}, NUMBERS, "numbers"),
        ({"cost": "poisson"}, TEXTS, None),
        ({"cost": "quadratic"}, NUMBERS, None),
        ({"cost": "cross_entropy"}, NUMBERS, None),
        ({"cost": "poisson", "task": "classes"}, NUMBERS, "classes"),
    ],
)
def test_the_task(options, values, expected):
    assert tasks.task(Settings("t.csv", **options), column(values)) == expected


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({}, NUMBERS, None),
        ({"cost": "quadratic"}, NUMBERS, None),
        ({"cost": "cross_entropy"}, NUMBERS, None),
        ({"cost": "poisson"}, NUMBERS, "mean"),
        ({"cost": "poisson", "scaling": "none"}, NUMBERS, None),
        ({"cost": "poisson", "scaling": "robust"}, NUMBERS, "mean"),
        ({"cost": "poisson"}, [-1, 1, 2], "none"),
        ({"cost": "binary_cross_entropy"}, [0.2, 0.7, 1.0], "none"),
    ],
)
def test_the_scaling_of_the_target(options, values, expected):
    assert tasks.target_scaling(Settings("t.csv", **options), column(values)) == expected


def write(rates):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    lines = [f"{each:.5f},{rng.poisson(rate)}" for each, rate in zip(x, rates(x), strict=True)]
    with open("counts.csv", "w") as file:
        file.write("\n".join(["x,visits", *lines]) + "\n")


def test_counts_are_learned_in_their_units():
    write(lambda x: 30.0 * np.exp(0.5 * x))
    words = ["--cost", "poisson", "--seed", 1, "--epochs", 20, "--out", "run"]
    said = " ".join(ok("train", "counts.csv", *words).split())
    assert "visits (the last column): numbers, learned as y / 3" in said
    told = ok("evaluate", "run", "counts.csv")
    assert float(re.search(r"R² (\S+)", told)[1]) > 0.8


def test_a_few_counts_are_no_classes():
    write(lambda x: np.exp(0.3 * x))
    said = ok(
        "train", "counts.csv", "--cost", "poisson", "--epochs", 1, "--seed", 1, "--out", "run"
    )
    assert "numbers, learned as y / 1." in " ".join(said.split())


def test_a_negative_number_is_no_count():
    write(lambda x: 5.0 + 0.0 * x)
    with open("counts.csv", "a") as file:
        file.write("0.5,-3\n")
    message = refused("train", "counts.csv", "--cost", "poisson")
    assert "poisson expects counts" in message
