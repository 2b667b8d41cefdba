"""A function of arrays as C: recorded, planned, compiled and called."""

import ctypes
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from bpx.export.c.functions import planned
from bpx.export.c.text import block, of_type
from bpx.program.record import record
from tools.c_programs import STRICT

_HEAD = ["#include <math.h>", "#include <stdbool.h>", "#include <stddef.h>"]
_HEAD += ["#include <stdint.h>", "#include <string.h>"]


def recorded(function, arrays):
    """The program of ``function(xp, *arrays)``, which returns one array or several."""
    made = function(np, *arrays)
    made = made if isinstance(made, tuple) else (made,)
    one = len(made) == 1

    def step(state, data, rows):
        found = function(data[0].__array_namespace__(), *data)
        return (found,) if one else found

    return record(step, made, tuple(arrays), np.zeros(1, np.int32)), made


def text_of(function, arrays):
    """The file that defines ``call``, and what NumPy makes of the arrays."""
    program, made = recorded(function, arrays)
    inputs = {v: f"a{i}" for i, v in enumerate(program.data)}
    outputs = {v: f"b{i}" for i, v in enumerate(program.state)}
    found = planned(program, "f", "f_call", {**inputs, **outputs})
    given = [f"const {of_type(v.dtype)} *{name}" for v, name in inputs.items()]
    given += [f"{of_type(v.dtype)} *{name}" for v, name in outputs.items()]
    memory = [f"static {of_type(d)} f_{d}[{a.size}];" for d, a in found.arenas.items()]
    body = block(f"void f_call({', '.join(given)})", found.lines())
    head = [*_HEAD, f"void f_call({', '.join(given)});"]
    return "\n".join([*head, *found.declared(), *memory, *body, ""]), made


_NUMBERS = count()


def in_c(function, *arrays):
    """What C makes of the arrays, and what NumPy makes of them."""
    text, made = text_of(function, arrays)
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "f.c"), Path(folder, f"f{next(_NUMBERS)}.so")
        source.write_text(text, encoding="utf-8")
        command = ["gcc", "-O1", "-shared", "-fPIC", *STRICT, str(source), "-o", str(library)]
        ran = subprocess.run([*command, "-lm"], capture_output=True, text=True)
        assert ran.returncode == 0, f"{ran.stderr}\n{text}"
        found = [np.empty(each.shape, each.dtype) for each in made]
        call = ctypes.CDLL(str(library)).f_call
        call(*(ctypes.c_void_p(each.ctypes.data) for each in (*arrays, *found)))
    return found, [np.asarray(each) for each in made]


def assert_same(function, *arrays, rtol=1e-6):
    """C must make of the arrays what NumPy makes of them."""
    found, expected = in_c(function, *arrays)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)
