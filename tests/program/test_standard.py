"""Shapes and dtypes of results: NumPy's, where the standard says the same."""

import numpy as np
import pytest

import bpx
from bpx.program.operation import dtype_of
from bpx.program.standard import broadcast, finfo, indexed, subscripts, wider


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3)], [(2, 3), (3,)], [(2, 3), (2, 1)], [(), (4,)], [(1,), (0,)], [(3, 1), (1, 4)],
        [(2, 1, 3), (5, 1)], [(1, 1), (), (2,)],
    ],
)  # fmt: skip
def test_broadcast(shapes):
    assert broadcast(shapes) == np.broadcast_shapes(*shapes)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(bpx.RecordingError, match=r"\(2, 3\), \(2,\).* cannot be broadcast"):
        broadcast([(2, 3), (2,)])


KEYS = [
    0, -1, slice(1, None), slice(None, None, -1), None, ..., (0, 1), (slice(None), 1), (..., 0),
    (None, 0, ..., None), (slice(0, 0), ...), (..., slice(1, 2), None), (),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexed(key):
    x = np.zeros((3, 4, 2))
    assert indexed(x.shape, key) == x[key].shape
    parts = subscripts(key, 3)
    assert sum(part is not None for part in parts) == 3
    assert x[tuple(parts)].shape == x[key].shape


@pytest.mark.parametrize(("key", "kind"), [([0, 1], "list"), (True, "bool"), (1.0, "float")])
def test_other_indices_are_refused_by_name(key, kind):
    with pytest.raises(bpx.RecordingError, match=f"indexed by {kind}; expected integers"):
        indexed((3,), key)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("int8", "int32", "int32"), ("float64", "float32", "float64"),
        ("bool", "int8", "int8"), ("uint8", "bool", "uint8"), ("bool", "bool", "bool"),
    ],
)  # fmt: skip
def test_wider(one, other, both):
    assert wider(dtype_of(one), dtype_of(other)) is dtype_of(both)


@pytest.mark.parametrize("other", ["int32", "uint8"])
def test_what_the_standard_does_not_mix_is_refused(other):
    with pytest.raises(bpx.RecordingError, match=f"float32 was combined with {other}"):
        wider(dtype_of("float32"), dtype_of(other))


def test_two_dtypes_of_one_size_are_not_mixed():
    """Libraries go to float32, which nobody asked for."""
    with pytest.raises(bpx.RecordingError, match="bfloat16 was combined with float16"):
        wider(dtype_of("bfloat16"), dtype_of("float16"))
    with pytest.raises(bpx.RecordingError, match="int32 was combined with float32"):
        wider(dtype_of("int32"), dtype_of("float32"))
    assert wider(dtype_of("bfloat16"), dtype_of("float32")) is dtype_of("float32")


def test_finfo_of_bfloat16():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = finfo(dtype_of("bfloat16")), torch.finfo(torch.bfloat16)
    for limit in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, limit) == getattr(theirs, limit)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    ours, theirs = finfo(dtype_of(name)), np.finfo(name)
    for limit in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, limit) == getattr(theirs, limit)
