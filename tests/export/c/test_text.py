"""C as text."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

from bpx.errors import InputError
from bpx.export.c.text import (
    KEYWORDS,
    array,
    block,
    comment,
    indented,
    is_float,
    literal,
    loop,
    of_type,
    quoted,
    sanitised,
    suffixed,
    uniform,
    unsigned,
)
from bpx.program.operation import dtype_of

F32, F64, I32 = (dtype_of(name) for name in ("float32", "float64", "int32"))


def test_types():
    assert [of_type(dtype_of(n)) for n in ("float32", "float64", "int32", "uint8", "bool")] == [
        "float", "double", "int32_t", "uint8_t", "bool"
    ]  # fmt: skip
    with pytest.raises(InputError, match="bfloat16"):
        of_type(dtype_of("bfloat16"))
    assert [unsigned(dtype_of(n)) for n in ("int8", "int64")] == ["uint32_t", "uint64_t"]
    assert [suffixed("exp", each) for each in (F32, F64)] == ["expf", "exp"]
    assert is_float(F64)
    assert not is_float(I32)


@pytest.mark.parametrize(
    ("number", "dtype", "text"),
    [
        (0.1, "float32", "0.1f"),
        (1, "float32", "1.0f"),
        (-2.5, "float64", "(-2.5)"),
        (1e-5, "float64", "1e-05"),
        (1e40, "float32", "INFINITY"),
        (float("nan"), "float32", "NAN"),
        (-float("inf"), "float64", "(-(double)INFINITY)"),
        (True, "bool", "true"),
        (-3, "int32", "(-3)"),
        (-(2**31), "int32", "(-2147483647 - 1)"),
        (-(2**63), "int64", "(-9223372036854775807ll - 1)"),
        (7, "uint8", "7u"),
        (2**64 - 1, "uint64", "18446744073709551615ull"),
    ],
)
def test_literals(number, dtype, text):
    assert literal(number, dtype_of(dtype)) == text


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_c_reads_the_same_bits(tmp_path, dtype):
    rng, kind = np.random.default_rng(0), np.dtype(dtype)
    bits = rng.integers(0, 2 ** (8 * kind.itemsize - 1), 2000, np.uint64)
    values = bits.astype(f"u{kind.itemsize}").view(kind)
    values = np.concatenate([values[np.isfinite(values)], -values[np.isfinite(values)][:100]])
    declared = f"const {of_type(dtype_of(dtype))} numbers"
    source = tmp_path / "f.c"
    source.write_text("\n".join(array(declared, values, dtype_of(dtype))))
    made = subprocess.run(
        ["gcc", "-std=c99", "-shared", "-fPIC", str(source), "-o", str(tmp_path / "f.so")]
    )
    assert made.returncode == 0
    held = (ctypes.c_char * values.nbytes).in_dll(
        ctypes.CDLL(str(tmp_path / "f.so")), "numbers"
    )
    assert bytes(held) == values.tobytes()


def test_an_array_has_lines():
    lines = list(
        array("static const int32_t x", np.array([[1, -2], [-(2**31), 4]], np.int32), I32)
    )
    assert lines == ["static const int32_t x[4] = {", "    1, -2, (-2147483647 - 1), 4", "};"]


def test_loops_and_blocks():
    assert list(loop("i", 1, ["x;"])) == ["x;"]
    assert list(loop("i", 3, ["x;"])) == [
        "for (size_t i = 0; i < 3; ++i) {", "    x;", "}"
    ]  # fmt: skip
    assert next(block("", ["x;"])) == "{"
    assert list(indented(["", "x"])) == ["", "    x"]


def test_a_comment_ends_where_it_should():
    assert comment("a */ b") == ["/* a * / b */"]
    assert comment("one\n\ntwo") == ["/* one", "", "   two */"]
    assert all(len(line) < 101 for line in comment("word " * 60))


def test_texts_are_escaped():
    assert quoted('a"b\\c?é\n') == r'"a\042b\134c\077\303\251\012"'


def test_names():
    taken = set()
    assert sanitised("age (years)", taken) == "age_years"
    assert sanitised("age-years", taken) == "age_years_2"
    assert sanitised("2nd", taken) == "n2nd"
    assert sanitised("int", taken) == "int_2"
    assert sanitised("é", taken) == "column"
    assert "class" in KEYWORDS
    assert sanitised("nan", taken) == "nan"
    assert sanitised("_NAN_", taken) == "n_NAN"


HEADERS = "".join(
    f"#include <{each}.h>\n" for each in ("math", "stdbool", "stddef", "stdint", "string")
)


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("how", ["gcc -xc -std=c99", "gcc -xc -std=gnu17", "g++ -xc++"])
def test_names_are_no_words_or_macros_of_compilers(how):
    if not shutil.which(how.split()[0]):
        pytest.skip("g++ is not installed")
    told = run(how, "-dM", "-E", text=HEADERS)
    macros = re.findall(r"#define ([a-zA-Z]\w*) ", told)
    assert {"NAN", "INT8_MAX", "HUGE_VAL"} <= {*macros}
    taken = set()
    names = [sanitised(each, taken) for each in (*macros, *KEYWORDS, *MORE)]
    members = "".join(f"double {name};\n" for name in names)
    run(how, "-Wall", "-Werror", "-fsyntax-only", text=f"{HEADERS}struct row {{{members}}};\n")


MORE = "NAN_", "size_t", "isnan", "y1", "INT8_C", "FLT_MAX", "errno", "linux", "nullptr_t"


def run(how, *options, text):
    ran = subprocess.run(
        [*how.split(), *options, "-"], input=text, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_equal_numbers_are_uniform(dtype):
    assert uniform(np.ones((2, 3), dtype))
    assert not uniform(np.eye(2, dtype=dtype))
    assert uniform(np.array([-0.0, -0.0]))
    assert not uniform(np.array([0.0, -0.0]))
