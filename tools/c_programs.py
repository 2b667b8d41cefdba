"""Programs around networks in C: written, compiled, and run, natively and as WebAssembly."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "COMPILERS",
    "STRICT",
    "Answered",
    "Compiler",
    "Trained",
    "form_of",
    "run",
    "state_of",
]

_WARNINGS = "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wdouble-promotion", "-pedantic"
STRICT = ("-std=c99", *_WARNINGS)
_ZIG = (sys.executable, "-m", "ziglang", "cc")
_TYPES = {"float32": "float", "float64": "double", "int32": "int32_t"}


class Answered(NamedTuple):
    """A network that answers some samples: its file of C, and the samples of one call."""

    name: str
    text: str
    x: np.ndarray
    outputs: int

    @property
    def given(self) -> bytes:
        """What its program reads."""
        return self.x.tobytes()

    @property
    def body(self) -> list[str]:
        """The statements of its program."""
        kind = _TYPES[self.x.dtype.name]
        return [
            *_read(kind, "x", self.x.size),
            f"static {kind} y[{len(self.x) * self.outputs}];",
            f"{self.name}_predict(x, y);",
            "fwrite(y, sizeof y, 1, stdout);",
        ]

    @property
    def written(self) -> int:
        """The bytes that its program writes."""
        return len(self.x) * self.outputs * self.x.itemsize


class Trained(NamedTuple):
    """A network that is trained: x and y have the samples of every step."""

    name: str
    text: str
    x: np.ndarray
    y: np.ndarray

    @property
    def given(self) -> bytes:
        """What its program reads."""
        return b"".join(x.tobytes() + y.tobytes() for x, y in zip(self.x, self.y, strict=True))

    @property
    def body(self) -> list[str]:
        """The statements of its program."""
        kind, targets = (_TYPES[each.dtype.name] for each in (self.x, self.y))
        name = self.name
        return [
            f"{name}_init();",
            f"for (int step = 0; step < {len(self.x)}; ++step) {{",
            *_read(kind, "x", self.x[0].size),
            *_read(targets, "y", self.y[0].size),
            f"const {kind} cost = {name}_step(x, y);",
            "fwrite(&cost, sizeof cost, 1, stdout);",
            "}",
            f"fwrite(&{name}_state, sizeof {name}_state, 1, stdout);",
        ]


def _read(kind: str, name: str, size: int) -> list[str]:
    return [
        f"static {kind} {name}[{size}];",
        f"if (fread({name}, sizeof {name}, 1, stdin) != 1) return 1;",
    ]


class Compiler(NamedTuple):
    """A compiler, and what runs its programs.

    Attributes
    ----------
    command : tuple of str
    start : callable
        ``start(program, given)`` returns what the program wrote.
    missing : str or None
        Why it cannot be used.
    """

    command: tuple[str, ...]
    start: Callable[[Path, bytes], bytes]
    missing: str | None


def _native(program: Path, given: bytes, *before: str) -> bytes:
    ran = subprocess.run([*before, str(program)], input=given, capture_output=True)
    if ran.returncode:
        raise RuntimeError(f"{program.name} ended with {ran.returncode}: {ran.stderr.decode()}")
    return ran.stdout


def _watched(program: Path, given: bytes) -> bytes:
    return _native(program, given, "valgrind", "--quiet", "--error-exitcode=9")


_NODE = """
import {WASI} from "node:wasi";
import {readFile} from "node:fs/promises";
const wasi = new WASI({version: "preview1"});
const compiled = await WebAssembly.compile(await readFile(process.argv[1]));
wasi.start(await WebAssembly.instantiate(compiled, wasi.getImportObject()));
"""


def _in_node(program: Path, given: bytes) -> bytes:
    script = ("node", "--no-warnings", "--input-type=module", "-e", _NODE)
    return _native(program, given, *script)


def _in_wasmtime(program: Path, given: bytes) -> bytes:
    from wasmtime import Engine, Linker, Module, Store, WasiConfig

    engine = Engine()
    store, linker = Store(engine), Linker(engine)
    linker.define_wasi()
    wasi, read, written = WasiConfig(), program.with_suffix(".in"), program.with_suffix(".out")
    read.write_bytes(given)
    wasi.stdin_file, wasi.stdout_file = str(read), str(written)
    store.set_wasi(wasi)
    instance = linker.instantiate(store, Module.from_file(engine, str(program)))
    instance.exports(store)["_start"](store)
    return written.read_bytes()


def _missing(*needed: str) -> str | None:
    """Why something is missing: programs, and modules of Python in brackets."""
    for each in needed:
        module = each.strip("[]")
        there = importlib.util.find_spec(module) if module != each else shutil.which(each)
        if not there:
            what = f"the package {module}" if module != each else each
            return f"{what} is not installed"
    return None


_WASM = (*_ZIG, "--target=wasm32-wasi")
COMPILERS = {
    "gcc": Compiler(("gcc", "-O1"), _native, _missing("gcc")),
    "gcc -O3": Compiler(("gcc", "-O3", "-march=native"), _native, _missing("gcc")),
    "clang": Compiler(("clang", "-O1"), _native, _missing("clang")),
    "zig": Compiler((*_ZIG, "-O1"), _native, _missing("[ziglang]")),
    "valgrind": Compiler(("gcc", "-O1", "-g"), _watched, _missing("gcc", "valgrind")),
    "node": Compiler((*_WASM, "-O1"), _in_node, _missing("[ziglang]", "node")),
    "wasmtime": Compiler((*_WASM, "-O1"), _in_wasmtime, _missing("[ziglang]", "[wasmtime]")),
}
"""The ways to compile and to run a program."""


def run(compiler: str, networks: Sequence[Answered | Trained]) -> bytes:
    """Return what one program of all the networks writes, one after another.

    Raises
    ------
    RuntimeError
        If the compiler says anything, or the program fails.
    """
    how = COMPILERS[compiler]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for each in networks:
            (place / f"{each.name}.c").write_text(each.text, encoding="utf-8")
        (place / "main.c").write_text(_main(networks), encoding="utf-8")
        command = [*how.command, *STRICT, "main.c", "-o", "main.wasm", "-lm"]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if made.returncode or made.stderr:
            raise RuntimeError(f"{compiler}: {made.stderr}")
        return how.start(place / "main.wasm", b"".join(each.given for each in networks))


def _main(networks: Sequence[Answered | Trained]) -> str:
    bodies = [line for each in networks for line in ("{", *each.body, "}")]
    lines = ["#include <stdio.h>", *(f'#include "{each.name}.c"' for each in networks)]
    return "\n".join([*lines, "int main(void) {", *bodies, "return 0;", "}", ""])


def state_of(written: bytes, named: Sequence[tuple[str, Any]]) -> dict[str, np.ndarray]:
    """Return the arrays of a state that a program wrote; `named` are those in bpx."""
    found = np.frombuffer(written, form_of(named))[0]
    return {place: found[place].reshape(np.shape(each)) for place, each in named}


def form_of(named: Sequence[tuple[str, Any]]) -> np.dtype[Any]:
    """Return the form of a state in memory, as C lays out a struct."""
    arrays = [(place, np.asarray(each)) for place, each in named]
    return np.dtype([(p, a.dtype, (a.size,)) for p, a in arrays], align=True)
