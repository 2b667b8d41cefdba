"""What every source begins with: rounding to half precision."""

import numpy as np
import pytest

from bpx_backends.engines.cuda.prelude import PRELUDE
from tests.engines.cuda.emulation import host_library


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("name", "digits", "least"), [("half", 11, -24), ("bfloat", 8, -133)])
def test_half_precision_is_rounded_to_nearest_even(name, digits, least):
    bits = np.arange(0, 2**32, 2**32 // 200_000 + 12_345, dtype=np.uint64).astype(np.uint32)
    edges = np.array([65519.9, 65520.0, 3.4e38, 2.0**-25, 3 * 2.0**-25, np.inf, np.nan])
    x = np.concatenate(
        [bits.view(np.float32), edges.astype(np.float32), np.float32([0.0, -0.0])]
    )
    kind = name.capitalize()
    library = host_library(
        f'{PRELUDE}\nextern "C" void cast(float* x, {kind}* y, int n) '
        f"{{ for (int i = 0; i < n; ++i) y[i] = to_{name}(x[i]); }}"
    )
    cast = np.zeros(x.size, np.uint16)
    library.cast(np.ctypeslib.as_ctypes(x), np.ctypeslib.as_ctypes(cast), x.size)
    back = cast.view(np.float16) if name == "half" else (cast.astype("u4") << 16).view("f4")
    # To a number of binary digits, but to no finer than the smallest subnormal number.
    exponent = np.frexp(x.astype(float))[1]
    unit = np.exp2(np.maximum(exponent - digits, least).astype(float))
    expected = np.rint(x / unit) * unit
    expected[np.abs(expected) >= (65520.0 if name == "half" else 2.0**128)] *= np.inf
    np.testing.assert_array_equal(back.astype(float), expected)
    np.testing.assert_array_equal(np.signbit(back[~np.isnan(x)]), np.signbit(x[~np.isnan(x)]))
