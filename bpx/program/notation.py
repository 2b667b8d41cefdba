"""Operations as text that reads like the equations they come from."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from bpx.program.marks import Call, Named
from bpx.program.operation import VIEWS, Operation, Value
from bpx.program.standard import subscripts
from bpx.program.symbols import calls_of, free, symbols, with_functions

__all__ = ["Equation", "equations", "lines"]

_INFIX = {
    "add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2),
    "matmul": ("@", 2), "pow": ("**", 4), "greater": (">", 0), "greater_equal": (">=", 0),
    "less": ("<", 0), "less_equal": ("<=", 0), "equal": ("==", 0), "not_equal": ("!=", 0),
}  # fmt: skip
_ATOM = 5


class Equation(NamedTuple):
    """One line of a printed program: ``name = text``, and its label."""

    value: Value
    name: str
    text: str
    label: str


def lines(
    inputs: Sequence[Value],
    operations: Sequence[Operation],
    state: Iterable[Value],
    outputs: Sequence[Value],
) -> Iterator[str]:
    """Yield one line for each equation; results that it uses once are written inline.

    Parameters
    ----------
    inputs : sequence of Value
        All inputs.
    operations : sequence of Operation
        In order.
    state, outputs : sequences of Value
        The values that are replaced, and the values that replace them.
    """
    found = list(equations(inputs, operations, outputs))
    names = {v: v.name for v in inputs} | {each.value: each.name for each in found}
    rows = [
        (f"{name} = {text}", f"{value.dtype} {value.shape}", label)
        for value, name, text, label in found
    ]
    for before, after in zip(state, outputs, strict=True):
        if before is not after:
            rows.append((f"{before.name} <- {names[after]}", "", ""))
    width = min(64, max((len(left) for left, *_ in rows), default=0))
    for left, kind, label in rows:
        yield f"{left:{width}}  {kind:20} {'# ' + label if label else ''}".rstrip()


def equations(
    inputs: Sequence[Value], operations: Sequence[Operation], outputs: Sequence[Value]
) -> Iterator[Equation]:
    """Yield the equations of `lines`, each with the value that it makes."""
    calls = calls_of(operations)
    operations, functions = with_functions(operations, calls, outputs)
    named = {value: (each, name) for value, each, name in symbols(calls, inputs)}
    inner = _inner(operations, {*outputs, *named})
    names = _names([op.result for op in operations if op.result not in inner], named, inputs)
    texts: dict[Any, tuple[str, int]] = {v: (v.name, _ATOM) for v in inputs}
    told: dict[Value, tuple[str, ...]] = {}
    for op in operations:
        text, labels = _expression(op, texts), _labels(op, functions, told)
        if op.result in inner:
            texts[op.result], told[op.result] = text, labels
            continue
        name = names[op.result]
        texts[op.result] = name, _ATOM
        own = (named[op.result][0].label if op.result in named else "") or _label(op)
        label = ", ".join(dict.fromkeys((own, *labels)))
        yield Equation(op.result, name, text[0], label)


def _inner(operations: Sequence[Operation], shown: Collection[Value]) -> set[Value]:
    """The results that are written inline in another line."""
    users: dict[Value, list[Operation]] = {op.result: [] for op in operations}
    for op in operations:
        for v in op.values:
            users.setdefault(v, []).append(op)
    return {
        op.result
        for op in operations
        if op.result not in shown and len(users[op.result]) == 1
        for user in users[op.result]
        if op.name in VIEWS or _within(op.origin, user.origin)
    }


def _within(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether one function called the other, both are the same, or both form one equation."""
    shorter = min(one, other, key=len)
    if len(shorter) > 1 and one[-len(shorter) :] == other[-len(shorter) :]:
        return True
    together = zip(reversed(one), reversed(other), strict=False)
    common = list(takewhile(lambda pair: pair[0] == pair[1], together))
    innermost = common[-1][0] if common else None
    return isinstance(innermost, Call) and innermost.mark.whole


def _label(op: Operation) -> str:
    """The label of the innermost equation, or the name of the innermost function."""
    said = (each.label for each in op.origin if isinstance(each, Call) and each.label)
    called = (each for each in op.origin if isinstance(each, str) and "." not in each)
    return next(said, None) or next(called, "step")


def _labels(
    op: Operation, functions: Mapping[Value, Named], told: Mapping[Value, tuple[str, ...]]
) -> tuple[str, ...]:
    """The labels of the functions in an operation's text."""
    own = (functions[op.result].label,) if op.result in functions else ()
    inside = (label for v in op.values for label in told.get(v, ()))
    return tuple(filter(None, (*inside, *own)))


def _names(
    results: Iterable[Value],
    named: Mapping[Value, tuple[Named, str]],
    inputs: Iterable[Value],
) -> dict[Value, str]:
    """The names of results: their symbols, or t with a number."""
    taken = {v.name for v in inputs} | {name for _, name in named.values()}
    found, number = {}, 0
    for value in results:
        if value in named:
            found[value] = named[value][1]
        else:
            number += 1
            found[value] = free(f"t{number}", taken)
    return found


def _expression(op: Operation, texts: Mapping[Any, tuple[str, int]]) -> tuple[str, int]:
    """An operation as text, and how tightly it binds."""
    parts = [texts.get(v, (repr(v), _ATOM)) for v in op.operands]
    if op.name in _INFIX:
        sign, level = _INFIX[op.name]
        # Comparisons do not chain.
        left = _bracketed(parts[0], level if level else 1)
        right = _bracketed(parts[1], level + 1)
        return f"{left} {sign} {right}", level
    if op.name == "negative":
        return f"-{_bracketed(parts[0], 3)}", 3
    if op.name == "matrix_transpose":
        return f"{_bracketed(parts[0], _ATOM)}.mT", _ATOM
    if op.name == "getitem":
        rank = len(op.values[0].shape)
        return f"{_bracketed(parts[0], _ATOM)}[{_key(op.attribute('key'), rank)}]", _ATOM
    given = [text for text, _ in parts] + [f"{name}={v}" for name, v in op.attributes]
    return f"{op.name}({', '.join(given)})", _ATOM


def _bracketed(part: tuple[str, int], level: int) -> str:
    text, own = part
    return f"({text})" if own < level else text


def _key(key: Any, rank: int) -> str:
    parts: Sequence[Any] = key if isinstance(key, tuple) else (key,)
    if parts[:1] == (Ellipsis,):  # a leading ellipsis is written out: x[:, None]
        parts = subscripts(key, rank)
    return ", ".join(_slice(part) for part in parts)


def _slice(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else repr(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
    return ":".join(ends if part.step is None else [*ends, str(part.step)])
