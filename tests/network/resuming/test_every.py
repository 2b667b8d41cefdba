"""The intervals between checkpoints."""

import pytest

import bpx
from bpx.network.resuming.every import parse


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1 epoch", ("epochs", 1)),
        ("12epochs", ("epochs", 12)),
        ("500 steps", ("steps", 500)),
        (" 1 step ", ("steps", 1)),
        ("10 min", ("seconds", 600)),
        ("10min", ("seconds", 600)),
        ("1.5 h", ("seconds", 5400)),
        ("0.5 s", ("seconds", 0.5)),
        ("30 Seconds", ("seconds", 30)),
    ],
)
def test_what_is_understood(given, expected):
    assert parse(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "epoch",
        "0 steps",
        "1.5 epochs",
        "-1 s",
        "3 moons",
        "1 epoch 2",
        600,
        None,
        f"{'9' * 400} s",
        f"{'9' * 400} steps",
    ],
)
def test_what_is_not(given):
    with pytest.raises(
        bpx.InputError, match=r"every=.* a number with a unit, such as '10 min'"
    ):
        parse(given)
