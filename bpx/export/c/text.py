"""C as text: types, literals, identifiers, loops and comments."""

import re
from collections.abc import Iterable, Iterator
from math import isinf, isnan
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.errors import InputError
from bpx.program.operation import DType

__all__ = [
    "KEYWORDS",
    "array",
    "block",
    "comment",
    "indented",
    "is_float",
    "literal",
    "loop",
    "of_type",
    "quoted",
    "sanitised",
    "suffixed",
    "uniform",
    "unsigned",
]

_TYPES = {
    "bool": "bool",
    **{f"int{8 * n}": f"int{8 * n}_t" for n in (1, 2, 4, 8)},
    **{f"uint{8 * n}": f"uint{8 * n}_t" for n in (1, 2, 4, 8)},
    "float32": "float",
    "float64": "double",
}
_WIDTH = 92
KEYWORDS = frozenset(
    (
        "asm", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue",
        "default", "do", "double", "else", "enum", "extern", "false", "float", "for", "goto",
        "if", "inline", "int", "long", "main", "register", "restrict", "return", "short",
        "signed", "sizeof", "static", "struct", "switch", "true", "typedef", "typeof",
        "typeof_unqual", "union", "unsigned", "void", "volatile", "while",
        # and those of C++, whose files may include the declarations
        "alignas", "alignof", "and", "and_eq", "bitand", "bitor", "catch", "char16_t",
        "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept",
        "const_cast", "consteval", "constinit", "decltype", "delete", "dynamic_cast",
        "explicit", "export", "friend", "mutable", "namespace", "new", "noexcept", "not",
        "not_eq", "nullptr", "operator", "or", "or_eq", "private", "protected", "public",
        "reinterpret_cast", "requires", "static_assert", "static_cast", "template", "this",
        "thread_local", "throw", "try", "typeid", "typename", "using", "virtual", "wchar_t",
        "xor", "xor_eq",
    )
)  # fmt: skip
"""Words that cannot be names."""
_MACROS = re.compile(
    r"NULL|S?NAN\w*|INFINITY|HUGE_VAL\w*|MAXFLOAT|EOF|BUFSIZ|NFDBITS|assert|errno|std(in|out|err)"
    r"|FP_[A-Z]\w*|FD_SETSIZE|EXIT_(FAILURE|SUCCESS)|M_(1|2|E|PI|LN|LOG|SQRT)\w*|MATH_ERR\w+"
    r"|math_errhandling|(U?(CHAR|SHRT|INT|LONG|LLONG)\w*|SIZE|SSIZE|PTRDIFF|SCHAR|WCHAR|WINT"
    r"|SIG_ATOMIC|RAND|MB_CUR)_(MAX|MIN|WIDTH|C)|(FLT|DBL|LDBL)_\w+|(BIG|LITTLE|PDP)_ENDIAN"
    r"|BYTE_ORDER|W(CONTINUED|EXITED|NOHANG|NOWAIT|STOPPED|UNTRACED)|linux|unix"
    r"|DOMAIN|SING|OVERFLOW|UNDERFLOW|PLOSS|TLOSS",  # some of math.h elsewhere
)
"""Macros of the standard headers, and of compilers that predefine names without underscores."""


def of_type(dtype: DType) -> str:
    """Return the C type of a dtype.

    Raises
    ------
    InputError
        If C has none.
    """
    if dtype.name not in _TYPES:
        raise InputError(
            f"the network computes in {dtype}, which C99 has no type for; expected float32, "
            "float64, bool and integers"
        )
    return _TYPES[dtype.name]


def is_float(dtype: DType) -> bool:
    """Whether the numbers of a dtype are floating-point numbers."""
    return dtype.kind == "real floating"


def unsigned(dtype: DType) -> str:
    """Return the unsigned type in which integers of a dtype wrap around."""
    return f"uint{8 * max(4, dtype.itemsize)}_t"


def suffixed(function: str, dtype: DType) -> str:
    """Return the name of a function of ``math.h`` for a dtype: ``expf`` for float32."""
    return f"{function}f" if dtype.name == "float32" else function


def literal(number: Any, dtype: DType) -> str:
    """Write a number so that C reads the same bits."""
    if dtype.kind == "bool":
        return "true" if number else "false"
    if is_float(dtype):
        return _real(number, dtype)
    number = int(number)
    if dtype.kind == "unsigned integer":
        return f"{number}{'ull' if dtype.itemsize > 4 else 'u'}"
    long = "ll" if dtype.itemsize > 4 else ""
    least = -(2 ** (8 * max(4, dtype.itemsize) - 1))
    if number == least:  # C reads the digits first, and has no such positive number
        return f"(-{-least - 1}{long} - 1)"
    return f"({number}{long})" if number < 0 else f"{number}{long}"


def _real(number: Any, dtype: DType) -> str:
    with np.errstate(over="ignore"):
        value = np.dtype(dtype.name).type(number)
    cast = "" if dtype.name == "float32" else f"({_TYPES[dtype.name]})"
    if isnan(value):
        return f"{cast}NAN"
    if isinf(value):
        return f"{cast}INFINITY" if value > 0 else f"(-{cast}INFINITY)"
    text = _shortest(value, "f" if dtype.name == "float32" else "")
    return f"({text})" if text.startswith("-") else text


def _shortest(value: Any, suffix: str) -> str:
    """The shortest text that reads as the same bits."""
    text = str(value)
    return f"{text}{suffix}" if "." in text or "e" in text else f"{text}.0{suffix}"


def uniform(values: NDArray[Any]) -> bool:
    """Whether one literal writes all numbers: the same bits, unlike 0.0 and -0.0."""
    return values.tobytes() == values.ravel()[:1].tobytes() * values.size


def array(declared: str, values: NDArray[Any], dtype: DType) -> Iterator[str]:
    """Yield the lines of an array with its values."""
    yield f"{declared}[{values.size}] = {{"
    yield from indented(_filled(_numbers(values.ravel(), dtype)))
    yield "};"


def _numbers(values: NDArray[Any], dtype: DType) -> Iterator[str]:
    if is_float(dtype) and np.isfinite(values).all():  # weights, of which there are many
        suffix = "f" if dtype.name == "float32" else ""
        return (_shortest(each, suffix) for each in values)
    return (_bare(literal(each, dtype)) for each in values)


def _bare(number: str) -> str:
    """A literal without the brackets that only operators need."""
    alone = number.startswith("(-") and number[2:-1].isalnum()
    return number[1:-1] if alone else number


def _filled(numbers: Iterable[str]) -> Iterator[str]:
    """Yield lines of numbers, as many as fit; a comma follows each but the last."""
    line = ""
    for number in numbers:
        if line and len(line) + len(number) + 2 > _WIDTH:
            yield f"{line},"
            line = number
        else:
            line = f"{line}, {number}" if line else number
    yield line


def loop(index: str, size: int, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that run for each index; an axis of size 1 needs no loop."""
    if size == 1:
        yield from lines
    else:
        head = f"for (size_t {index} = 0; {index} < {size}; ++{index})"
        yield from block(head, lines)


def block(head: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines in braces."""
    yield f"{head} {{".strip()
    yield from indented(lines)
    yield "}"


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines, indented by one level."""
    return (f"    {line}" if line else line for line in lines)


def comment(text: str) -> list[str]:
    """Return a comment of one line or several."""
    safe = text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
    lines = [
        part
        for line in safe.splitlines()
        for part in wrap(line, _WIDTH, subsequent_indent="  ") or [""]
    ]
    if len(lines) == 1:
        return [f"/* {lines[0]} */"]
    lines = [f"/* {lines[0]}", *(f"   {line}".rstrip() for line in lines[1:])]
    return [*lines[:-1], f"{lines[-1]} */"]


def quoted(text: str) -> str:
    """Return a string literal; bytes beyond ASCII, and trigraphs, are escaped."""
    return '"' + "".join(map(_escaped, text.encode())) + '"'


def _escaped(byte: int) -> str:
    letter = chr(byte)
    return letter if 32 <= byte < 127 and letter not in '"\\?' else f"\\{byte:03o}"


def sanitised(text: str, taken: set[str]) -> str:
    """Return an identifier that resembles a text, and add it to those that are taken."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "column"
    name = f"n{name}" if name[0].isdigit() else name
    name = f"n_{name}" if _MACROS.fullmatch(name) else name
    found, number = name, 1
    while found in taken or found in KEYWORDS:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
