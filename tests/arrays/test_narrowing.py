"""What a cast would lose is found, column by column; rounding is no loss."""

import numpy as np
import pytest

import bpx
from bpx.arrays.narrowing import check_narrowing, standardised

N = 50


def columns(values, dtype=None):
    """Three columns, of which the second has these values."""
    x = np.random.default_rng(0).random((N, 3))
    x[:, 1] = values
    return x if dtype is None else x.astype(dtype)


SECONDS = 1_700_000_000 + 0.5 * np.arange(N)  # all within one step of float32, 128
IDS = 2**24 + 1 + 2 * np.arange(N)


@pytest.mark.parametrize(
    ("values", "dtype", "said"),
    [
        (
            SECONDS,
            None,
            r"column 1 of x runs from 1700000000\.0 to 1700000024\.5, but float32 stores",
        ),
        (1_700_000_000 + np.arange(N), "int64", "stores all of it as one number"),
        (2**24 + 1 + np.zeros(N), None, "16777217 in row 0 would become 16777216"),
        (IDS, None, "column 1 of x holds whole numbers that float32 cannot represent"),
        (IDS, "int32", "16777217 in row 0 would become 16777216"),
        (-IDS, "int64", "-16777217 in row 0"),
        (IDS, "uint32", "16777217 in row 0"),
        (np.r_[np.zeros(N - 1), 2**24 + 1], "int64", "16777217 in row 49"),
    ],
)
def test_what_float32_loses_is_refused_by_its_column(values, dtype, said):
    x = columns(values, dtype)
    with pytest.raises(bpx.InputError, match=said):
        check_narrowing(x, "float32", "x")
    check_narrowing(x, "float64", "x")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.random.default_rng(1).normal(1e9, 1e9, N), None),  # fractions, which are rounded
        (np.pi * 1e7 * np.arange(N), None),
        (np.arange(N), "int64"),
        (2**24 * np.arange(N), "int64"),  # whole, large, and kept
        (1.0 + 2.0**-52 * np.arange(N) % 2, None),  # a constant, but for float64's rounding
        (5.0, None),
        (0.1, None),
    ],
)
def test_what_float32_keeps_or_rounds_is_not(values, dtype):
    check_narrowing(columns(values, dtype), "float32", "x")


def test_narrow_dtypes_and_empty_arrays_pass():
    for dtype in ("float16", "float32", "uint8", "int16", "bool"):
        check_narrowing(columns(1, dtype), "float32", "x")
    check_narrowing(np.zeros((0, 3)), "float32", "x")


def test_float64_cannot_tell_the_largest_identifiers_apart():
    x = columns(0, "int64")
    x[:, 2] = 2**60 + np.arange(N)
    with pytest.raises(bpx.InputError, match=r"column 2 of x.*float64") as refused:
        check_narrowing(x, "float64", "x")
    assert "dtype=" not in str(refused.value)  # there is none wider
    x[:, 2] = 2**53 + 1 + 1000 * np.arange(N)
    with pytest.raises(bpx.InputError, match="9007199254740993 in row 0 would become"):
        check_narrowing(x, "float64", "x")


@pytest.mark.parametrize("where", ["torch", "jax", "strict"])
def test_it_looks_in_the_library_that_the_numbers_are_of(where):
    if where == "torch":
        asarray = pytest.importorskip("torch", reason="PyTorch is not installed").asarray
    elif where == "jax":
        asarray = pytest.importorskip("jax.numpy", reason="JAX is not installed").asarray
    else:
        reason = "array-api-strict is not installed"
        asarray = pytest.importorskip("array_api_strict", reason=reason).asarray
    x = asarray(columns(IDS, "int32"))
    with pytest.raises(bpx.InputError, match=r"column 1 of x.*16777217 in row 0"):
        check_narrowing(x, "float32", "x")


def test_targets_of_one_axis_are_named_without_a_column():
    with pytest.raises(bpx.InputError, match=r"^y runs from .*: \(y - y\.mean\(axis=0\)\)"):
        check_narrowing(SECONDS, "float32", "y")
    with pytest.raises(
        bpx.InputError, match=r"^validation y runs .*: \(y - y\.mean"
    ) as refused:
        check_narrowing(SECONDS.tolist(), "float32", "validation y")
    assert "identifier" not in str(refused.value)


def test_at_the_prompt_no_expression_is_advised():
    with (
        bpx.errors.at_the_prompt({}),
        pytest.raises(bpx.InputError, match=r"in the file; .*--dtype float64") as refused,
    ):
        check_narrowing(columns(IDS), "float32", "x")
    assert "mean(" not in str(refused.value)


def test_many_rows_are_looked_at_in_parts(monkeypatch):
    monkeypatch.setattr("bpx.arrays.narrowing._LOOKED_AT", 7)
    with pytest.raises(bpx.InputError, match="16777217 in row 49"):
        check_narrowing(columns(np.r_[np.zeros(N - 1), 2**24 + 1]), "float32", "x")
    fraction = np.r_[2**24 + 1, np.zeros(N - 2), 0.5]  # the last part has the fraction
    check_narrowing(columns(fraction), "float32", "x")


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("as_list", [False, True])
def test_the_expression_that_scales_does(constant, as_list):
    x = columns(3.0 if constant else np.arange(N))
    given = x.tolist() if as_list else x
    code, _, before = standardised(given, "x", constant=constant).partition(", after ")
    scope = {"np": np, "x": given}
    for step in before.split(" and ")[: 0 if not before else None]:
        exec(step.partition(", without")[0], scope)
    scaled = eval(code, scope)
    assert scaled.shape == (N, 2 if constant else 3)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0)
