"""Fingerprints of samples."""

import numpy as np
import pytest

import bpx
from bpx.network.resuming import fingerprint as module
from bpx.network.resuming.fingerprint import (
    STREAM,
    check_kind,
    check_same,
    fingerprint,
    fingerprints,
    shown,
)


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool"])
def test_it_is_the_same_on_every_backend(target, dtype):
    x = np.arange(60).reshape(20, 3) % 7
    assert fingerprint(target.asarray(x, dtype)) == fingerprint(x.astype(dtype))


def test_every_number_counts_and_so_does_the_order():
    x = np.arange(60.0).reshape(20, 3)
    other, seen = x.copy(), {fingerprint(x)["blake2b"]}
    for i in range(60):
        other.flat[i] += 1e-9
        seen.add(fingerprint(other)["blake2b"])
    assert len(seen) == 61
    assert fingerprint(x[::-1]) != fingerprint(x)
    assert fingerprint(np.asfortranarray(x)) == fingerprint(x)


def test_of_a_large_array_blocks_are_hashed_first_and_last_among_them(monkeypatch):
    for name, value in (("WHOLE", 1000), ("BLOCK", 64), ("BLOCKS", 5)):
        monkeypatch.setattr(module, name, value)
    x = np.zeros((1000, 4))
    rows = []
    for i in range(1000):
        other = x.copy()
        other[i, 2] = 1.0
        if fingerprint(other) != fingerprint(x):
            rows.append(i)
    assert len(rows) == 5 * 2
    assert {0, 999} <= set(rows)


def test_a_long_row_is_a_block_of_its_own(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8)
    x = np.ones((3, 50))
    assert fingerprint(x) != fingerprint(2 * x)


SAVED = fingerprints({"x": np.ones((4, 2)), "y": np.arange(4), "s": None})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"x": np.ones((5, 2)), "y": np.arange(4)},
            r"x has another shape than in run: \(5, 2\)",
        ),
        (
            {"x": np.ones((4, 2)), "y": np.arange(4.0)},
            "y has another dtype than in run: float64",
        ),
        (
            {"x": np.ones((4, 2)), "y": np.arange(4)[::-1]},
            "y has other values than in run; .* or",
        ),
        ({"x": np.ones((4, 2))}, "run was trained with y, which was not given; pass it"),
        (
            {"x": np.ones((4, 2)), "y": np.arange(4), "s": np.ones(4)},
            "s was given, but run was trained without it; omit it",
        ),
    ],
)
def test_other_samples_are_refused_by_name(given, said):
    check_same("run", SAVED, fingerprints({"x": np.ones((4, 2)), "y": np.arange(4)}))
    with pytest.raises(bpx.InputError, match=said):
        check_same("run", SAVED, fingerprints(given))


FILES = {"number of rows": 4, "list of columns": ["a: double"], "blake2b": "12"}


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (
            "the data set",
            {"number of rows": 5},
            "another number of rows than in run: 5, not 4; exp",
        ),
        (
            "the data set",
            {"list of columns": ["b: double"]},
            "another list of columns .*'b: do",
        ),
        ("the data set", {"blake2b": "13"}, "the data set has other values than in run"),
        ("the data set", {"more": 1}, "the data set has another more than in run: 1, not None"),
        (STREAM, {"number of rows": 5}, "not 4; expected the same block and window"),
    ],
)
def test_other_properties_are_named(name, changed, said):
    check_same("run", {name: FILES}, {name: dict(FILES)})
    with pytest.raises(bpx.InputError, match=said):
        check_same("run", {name: FILES}, {name: {**FILES, **changed}})


def test_a_stream_and_arrays_are_told_apart():
    check_kind("run", {STREAM: {}}, True)
    check_kind("run", SAVED, False)
    with pytest.raises(bpx.InputError, match=r"trained on a bpx.data.Stream; .* arrays"):
        check_kind("run", {STREAM: {}}, False)
    with pytest.raises(bpx.InputError, match=r"run was trained on arrays or a table; .*Stream"):
        check_kind("run", SAVED, True)


def test_fingerprints_are_shown_on_a_line():
    assert shown(SAVED["x"]) == f"(4, 2) float64 {SAVED['x']['blake2b']}"
    assert shown(FILES) == "number of rows 4, list of columns ['a: double'], blake2b 12"
