"""exp, expm1, log, log1p and tanh in kernels, as formulas that a compiler turns into vectors.

They have no branches and no calls: an argument beyond the range of a polynomial is clipped, and
what is right there is selected at the end. Errors are at most 2 ulp. Zeros keep their sign, and
infinities, NaN and subnormal numbers give what NumPy's functions give.

Their text is part of a kernel's, so that numba's cache knows when they change. The formulas and
coefficients are those of fdlibm (Sun Microsystems, 1993) and of its float32 versions (Cygnus
Support and FreeBSD, 1993 to 2010); those of tanh are Cephes's (S. Moshier, 1989).
"""

import re
from collections.abc import Iterable
from functools import cache

__all__ = ["FUNCTIONS", "definitions", "vectorized"]

FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh")


def vectorized(name: str, dtype: str) -> str:
    """Return the name of a function for numbers of a dtype, float32 or float64."""
    return f"{name}_{dtype}"


def definitions(needed: Iterable[tuple[str, str]]) -> str:
    """Return the text of functions, pairs of name and dtype, and of what they use."""
    all_of = {each for name, dtype in needed for each in _with_used(name, dtype)}
    order = [name for name in _TEXTS if any(name == other for other, _ in all_of)]
    return "\n".join(
        _text(name, dtype)
        for name in order
        for dtype in ("float32", "float64")
        if (name, dtype) in all_of
    )


def _with_used(name: str, dtype: str) -> list[tuple[str, str]]:
    used = [each for other in _USES.get(name, ()) for each in _with_used(other, dtype)]
    return [*used, (name, dtype)]


@cache
def _text(name: str, dtype: str) -> str:
    """Fill the form of a function with a dtype's constants."""
    whole = dtype.replace("float", "int")
    words = {"FLOAT": dtype, "INT": whole, "FLOAT_OF": f"{dtype}_of", "INT_OF": f"{whole}_of"}
    for word, constants in _CONSTANTS.items():
        value = constants[dtype == "float64"]
        if isinstance(value, tuple):
            words[word] = _horner(value, dtype)
        else:
            words[word] = f"{dtype if isinstance(value, float) else whole}({value!r})"
    text = _TEXTS[name].replace("NAME", vectorized("", dtype))
    return _HEAD + re.sub(r"\b[A-Z][A-Z0-9_]+\b", lambda found: words[found[0]], text)


def _horner(coefficients: tuple[float, ...], dtype: str) -> str:
    """Return a polynomial in z, from the constant coefficient up."""
    *others, last = (f"{dtype}({each!r})" for each in coefficients)
    text = last
    for each in reversed(others):
        text = f"({each} + z * {text})"
    return text


_HEAD = """
@numba.njit(inline="always", error_model="numpy", fastmath={"contract"})
"""

_CONSTANTS: dict[
    str, tuple[int | float | tuple[float, ...], int | float | tuple[float, ...]]
] = {
    # the layout of a number
    "MANTISSA_BITS": (23, 52),
    "MANTISSA": (0x7FFFFF, 0xFFFFFFFFFFFFF),
    "BIAS": (127, 1023),
    "ROUNDER_BITS": (0x4B400000, 0x4338000000000000),
    "ROUNDER": (12582912.0, 6755399441055744.0),
    "SMALLEST_NORMAL": (1.1754943508222875e-38, 2.2250738585072014e-308),
    "SCALED": (33554432.0, 18014398509481984.0),  # 2**25, 2**54
    "SCALE": (25.0, 54.0),
    "HALF_ROOT_BITS": (0x3F3504F3, 0x3FE6A09E667F3BCD),
    "TO_ONE_BITS": (0x3F800000 - 0x3F3504F3, 0x3FF0000000000000 - 0x3FE6A09E667F3BCD),
    "FAR": (32, 60),
    "WIDE": (512, 4096),
    "HALF_WIDE": (256, 2048),
    # ln 2: the upper part has zeros at its end, so that multiples of it are exact
    "PER_LN2": (1.4426950216293335, 1.4426950408889634),
    "LN2_HIGH": (0.693145751953125, 6.93147180369123816490e-01),
    "LN2_LOW": (1.428606765330187e-06, 1.90821492927058770002e-10),
    # where exp and expm1 have reached 0, -1 or infinity
    "LOWEST": (-104.0, -746.0),
    "LOW": (-30.0, -60.0),
    "HIGHEST": (89.0, 710.0),
    "EXP_POLYNOMIAL": (
        (1.6666625440e-1, -2.7667332906e-3),
        (
            1.66666666666666019037e-01,
            -2.77777777770155933842e-03,
            6.61375632143793436117e-05,
            -1.65339022054652515390e-06,
            4.13813679705723846039e-08,
        ),
    ),
    "EXPM1_POLYNOMIAL": (
        (1.0, -3.3333212137e-2, 1.5807170421e-3),
        (
            1.0,
            -3.33333333333331316428e-02,
            1.58730158725481460165e-03,
            -7.93650757867487942473e-05,
            4.00821782732936239552e-06,
            -2.01099218183624371326e-07,
        ),
    ),
    "LOG_POLYNOMIAL": (
        (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
        (
            6.666666666666735130e-01,
            3.999999999940941908e-01,
            2.857142874366239149e-01,
            2.222219843214978396e-01,
            1.818357216161805012e-01,
            1.531383769920937332e-01,
            1.479819860511658591e-01,
        ),
    ),
    "TANH_NUMERATOR": (
        (
            -3.33332819422e-1,
            1.33314422036e-1,
            -5.37397155531e-2,
            2.06390887954e-2,
            -5.70498872745e-3,
        ),
        (
            -1.61468768441708447952e3,
            -9.92877231001918586564e1,
            -9.64399179425052238628e-1,
        ),
    ),
    "TANH_DENOMINATOR": (
        (1.0,),
        (4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0),
    ),
}
"""The constants in the texts, for float32 and float64."""

_USES = {"exp": ("power",), "expm1": ("power",), "tanh": ("exp",)}

_TEXTS = {
    # x times 2**k, in two steps, so that the result may be subnormal or infinite
    "power": """def powerNAME(x, k):
    half = INT(INT(INT(k + WIDE) >> 1) - HALF_WIDE)
    rest = INT(k - half)
    return (
        x
        * FLOAT_OF(INT(INT(half + BIAS) << MANTISSA_BITS))
        * FLOAT_OF(INT(INT(rest + BIAS) << MANTISSA_BITS))
    )
""",
    "exp": """def expNAME(x):
    y = x if x > LOWEST else LOWEST
    y = y if y < HIGHEST else HIGHEST
    t = y * PER_LN2 + ROUNDER
    n = t - ROUNDER
    high, low = y - n * LN2_HIGH, n * LN2_LOW
    r = high - low
    z = r * r
    c = r - z * EXP_POLYNOMIAL
    p = FLOAT(1) - ((low - (r * c) / (FLOAT(2) - c)) - high)
    p = powerNAME(p, INT(INT_OF(t) - ROUNDER_BITS))
    return p if x == x else x
""",
    "expm1": """def expm1NAME(x):
    y = x if x > LOW else LOW
    y = y if y < HIGHEST else HIGHEST
    t = y * PER_LN2 + ROUNDER
    n = t - ROUNDER
    k = INT(INT_OF(t) - ROUNDER_BITS)
    high, low = y - n * LN2_HIGH, n * LN2_LOW
    r = high - low
    c = (high - r) - low
    half = FLOAT(0.5) * r
    z = r * half
    q = EXPM1_POLYNOMIAL
    s = FLOAT(3) - q * half
    e = z * ((q - s) / (FLOAT(6) - r * s))
    e = (r * (e - c) - c) - z
    far = INT(BIAS - (k if k < FAR else FAR))
    one = FLOAT(1) - FLOAT_OF(INT(far << MANTISSA_BITS))
    p = powerNAME((one + r) - e, k)
    p = p if n != FLOAT(0) else r - e
    return p if x == x else x
""",
    "log": """def logNAME(x):
    small = x < SMALLEST_NORMAL
    y = x * SCALED if small else x
    bits = INT(INT_OF(y) + TO_ONE_BITS)
    k = FLOAT(INT(INT(bits >> MANTISSA_BITS) - BIAS)) - (SCALE if small else FLOAT(0))
    f = FLOAT_OF(INT(INT(bits & MANTISSA) + HALF_ROOT_BITS)) - FLOAT(1)
    s = f / (FLOAT(2) + f)
    z = s * s
    half = FLOAT(0.5) * f * f
    p = k * LN2_HIGH - ((half - (s * (half + z * LOG_POLYNOMIAL) + k * LN2_LOW)) - f)
    p = p if x < FLOAT(np.inf) else x
    p = p if x != FLOAT(0) else FLOAT(-np.inf)
    return p if x >= FLOAT(0) else FLOAT(np.nan)
""",
    "log1p": """def log1pNAME(x):
    u = FLOAT(1) + x
    bits = INT(INT_OF(u) + TO_ONE_BITS)
    k = FLOAT(INT(INT(bits >> MANTISSA_BITS) - BIAS))
    c = (FLOAT(1) - (u - x) if k > FLOAT(1) else x - (u - FLOAT(1))) / u
    f = FLOAT_OF(INT(INT(bits & MANTISSA) + HALF_ROOT_BITS)) - FLOAT(1)
    f = f if k != FLOAT(0) else x
    c = c if k != FLOAT(0) else FLOAT(0)
    s = f / (FLOAT(2) + f)
    z = s * s
    half = FLOAT(0.5) * f * f
    p = k * LN2_HIGH - ((half - (s * (half + z * LOG_POLYNOMIAL) + (k * LN2_LOW + c))) - f)
    p = p if x < FLOAT(np.inf) else x
    p = p if x > FLOAT(-1) else FLOAT(-np.inf)
    p = p if x >= FLOAT(-1) else FLOAT(np.nan)
    return p if x != FLOAT(0) else x
""",
    "tanh": """def tanhNAME(x):
    a = abs(x)
    z = x * x
    near = x * z * TANH_NUMERATOR / TANH_DENOMINATOR + x
    far = FLOAT(1) - FLOAT(2) / (expNAME(a + a) + FLOAT(1))
    far = far if x > FLOAT(0) else -far
    near = near if x != FLOAT(0) else x
    return near if a < FLOAT(0.625) else far
""",
}
