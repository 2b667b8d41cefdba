"""The functions of vectors beside mpmath's, which are exact, and at all special numbers."""

import re
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bpx_backends.engines.numpy.functions import FUNCTIONS, definitions, vectorized

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
EACH = [(name, dtype) for name in FUNCTIONS for dtype in ("float32", "float64")]
ULP = 2.0
ROOM = {"float32": (-104, 89), "float64": (-746, 710)}
"""Where exp is neither 0 nor infinite."""


@cache
def compiled(name, dtype):
    """A kernel of the function alone."""
    import numba

    from bpx_backends.engines.numpy import bits

    names = {each: getattr(bits, each) for each in bits.__all__} | vars(np)
    text = f"""{definitions([(name, dtype)])}
@numba.njit("void({dtype}[::1], {dtype}[::1])", error_model="numpy", fastmath={{"contract"}})
def kernel(x, out):
    for i in range(len(x)):
        out[i] = {vectorized(name, dtype)}(x[i])
"""
    scope = {"numba": numba, "np": np, **names}
    exec(compile(text, "<functions>", "exec"), scope)
    return scope["kernel"]


def function(name, dtype):
    """The function of arrays."""

    def applied(x):
        out = np.empty_like(x)
        compiled(name, dtype)(x, out)
        return out

    return applied


def exact(name, x):
    mpmath = pytest.importorskip("mpmath", reason="mpmath is not installed")
    with mpmath.workprec(200):
        return getattr(mpmath, name)(mpmath.mpf(float(x)))


def distance(name, x, found):
    """How far a finite result is from the exact one, in units of its last place."""
    value = exact(name, x)
    nearest = abs(x.dtype.type(float(value)))
    return abs(float((exact("mpf", found) - value) / float(np.spacing(nearest))))


@pytest.mark.parametrize(("name", "dtype"), EACH)
def test_special_numbers_give_what_numpy_gives(name, dtype):
    info = np.finfo(dtype)
    few = [0.0, np.inf, np.nan, 1.0, info.max, info.tiny, info.smallest_subnormal, 1e4]
    beyond = np.asarray(ROOM[dtype], dtype)
    x = np.array([*few, *np.negative(few), *beyond, *np.nextafter(beyond, 0)], dtype)
    with np.errstate(all="ignore"):
        expected, found = getattr(np, name)(x), function(name, dtype)(x)
    is_plain = np.isfinite(expected) & (expected != 0)
    np.testing.assert_array_equal(found[~is_plain], expected[~is_plain])
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found)[number], np.signbit(expected)[number])
    np.testing.assert_array_max_ulp(found[is_plain], expected[is_plain], 3)


@pytest.mark.parametrize(("name", "dtype"), EACH)
@given(data=st.data())
def test_results_are_within_two_units_of_the_last_place(name, dtype, data):
    wide = {"float32": 32, "float64": 64}[dtype]
    low, high = ROOM[dtype] if name.startswith("exp") else (None, None)
    if name.startswith("log"):
        low = 0.0 if name == "log" else -1.0
    some = st.one_of(
        st.floats(low, high, width=wide, allow_nan=False, allow_infinity=False),
        st.floats(0.5, 2.0, width=wide),
        st.floats(-0.5, 0.5, width=wide) if name != "log" else st.just(1.0),
    )
    x = data.draw(arrays(dtype, 20, elements=some))
    with np.errstate(all="ignore"):
        found = function(name, dtype)(x)
        is_plain = np.isfinite(getattr(np, name)(x)) & np.isfinite(found)
    assert np.array_equal(is_plain, np.isfinite(found))
    for each, result in zip(x[is_plain], found[is_plain], strict=True):
        assert distance(name, each, result) <= ULP, each


@pytest.mark.parametrize(("name", "dtype"), EACH)
def test_every_binade_is_within_two_units(name, dtype):
    """Some numbers of each power of two, and around each multiple of ln 2 / 2."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    powers = np.arange(info.minexp - info.nmant, info.maxexp)
    x = np.ldexp(rng.uniform(1, 2, powers.size), powers)
    steps = np.arange(-80, 80) * (np.log(2) / 2) * (1 + rng.normal(size=160) * 1e-6)
    x = np.concatenate([x, -x, steps, 1 + rng.normal(size=200) * 1e-3]).astype(dtype)
    with np.errstate(all="ignore"):
        found = function(name, dtype)(x)
        for each, result in zip(x, found, strict=True):
            if np.isfinite(result) and np.isfinite(each):
                assert distance(name, each, result) <= ULP, each


@pytest.mark.parametrize(("name", "dtype"), EACH)
def test_what_is_compiled_are_vectors_and_no_calls(name, dtype):
    (text,) = compiled(name, dtype).inspect_llvm().values()
    body = text[text.index("define") :]
    assert f" x {'float' if dtype == 'float32' else 'double'}>" in body
    assert not re.search(rf"call .*@{name}f?\(", body)
