"""Write the source of a schedule: one module in CUDA C, with one kernel for each launch.

It is plain text, which can be made, compiled and tested without a GPU. Every kernel takes the
arena, the slots and the step within a replay; its blocks are distributed over its functions.
"""

from collections.abc import Iterator, Sequence

from bpx_backends.engines.cuda.items import Launch
from bpx_backends.engines.cuda.loops import Function
from bpx_backends.engines.cuda.prelude import PRELUDE

__all__ = ["kernel_name", "source"]

_PARAMETERS = "char* arena, const long long* slots, const int step"
_BLOCK = "const int block, const int blocks, char* memory"


def kernel_name(number: int) -> str:
    """Return the kernel's name for the launch of that number."""
    return f"launch_{number}"


def source(launches: Sequence[Launch]) -> str:
    """Write the module with the kernels of these launches.

    Parameters
    ----------
    launches : sequence of Launch
        The launches; the n-th becomes the kernel `kernel_name(n)`.
    """
    texts = dict.fromkeys(each.text for launch in launches for each in launch.functions)
    names = {text: f"loop_{i}" for i, text in enumerate(texts)}
    counts = {
        each.text: len(each.arguments) for launch in launches for each in launch.functions
    }
    parts = [PRELUDE]
    parts += ["\n".join(_function(names[text], text, counts[text])) for text in texts]
    for i, launch in enumerate(launches):
        parts.append("\n".join(_kernel(kernel_name(i), launch, names)))
    return "\n\n".join(parts) + "\n"


def _function(name: str, text: str, count: int) -> Iterator[str]:
    arguments = "".join(f", const long long a{i}" for i in range(count))
    yield f"__device__ __forceinline__ void {name}("
    yield f"    {_PARAMETERS},"
    yield f"    {_BLOCK}{arguments}) {{"
    yield from _indented(text.splitlines())
    yield "}"


def _kernel(name: str, launch: Launch, names: dict[str, str]) -> Iterator[str]:
    threads = launch.threads
    yield f'extern "C" __global__ void __launch_bounds__({threads}) {name}({_PARAMETERS}) {{'
    shares = any("memory" in each.text for each in launch.functions)
    # Eight bytes for each thread: a sum in the widest dtype.
    yield f"    alignas(16) __shared__ char memory[{8 * threads if shares else 16}];"
    yield "    int block = blockIdx.x;"
    for group in _alike(launch.functions):
        yield from _indented(_calls(group, names[group[0].text], threads))
    yield "}"


def _alike(functions: Sequence[Function]) -> list[list[Function]]:
    """Group the functions by their text."""
    groups: dict[str, list[Function]] = {}
    for each in functions:
        groups.setdefault(each.text, []).append(each)
    return list(groups.values())


def _calls(group: Sequence[Function], name: str, threads: int) -> Iterator[str]:
    """Yield lines in which a group's blocks choose arguments and call its function once."""
    counts = [each.blocks_of(threads) for each in group]
    yield f"if (block < {sum(counts)}) {{"
    arguments = [f"a{i}" for i in range(len(group[0].arguments))]
    yield f"    int blocks; long long {', '.join(arguments) or 'none'};"
    for i, (function, count) in enumerate(zip(group, counts, strict=True)):
        values = zip(arguments, function.arguments, strict=True)
        chosen = " ".join(f"{a} = {value};" for a, value in values)
        last = i == len(group) - 1
        condition = "" if last else f"if (block < {sum(counts[: i + 1])}) "
        before = f"block -= {sum(counts[:i])}; " if i else ""
        yield f"    {'else ' * (i > 0)}{condition}{{ {before}blocks = {count}; {chosen} }}"
    given = "".join(f", {a}" for a in arguments)
    yield f"    {name}(arena, slots, step, block, blocks, memory{given});"
    yield "    return;"
    yield "}"
    yield f"block -= {sum(counts)};"


def _indented(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    depth = 1
    for line in lines:
        depth -= line.startswith("}")
        yield "    " * depth + line.strip() if not line.startswith("    ") else "    " + line
        depth += line.endswith("{")
