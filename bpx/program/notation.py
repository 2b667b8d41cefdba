"""Operations as text that reads like the equations they come from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from bpx.program.operation import VIEWS, Operation, Value
from bpx.program.standard import subscripts

__all__ = ["lines"]

_INFIX = {
    "add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2),
    "matmul": ("@", 2), "pow": ("**", 4), "greater": (">", 0), "greater_equal": (">=", 0),
    "less": ("<", 0), "less_equal": ("<=", 0), "equal": ("==", 0), "not_equal": ("!=", 0),
}  # fmt: skip
_ATOM = 5
_WHOLE = ("bp2", "Chained.__call__", "TrainingStep.moved")
"""What calls several functions and is one equation all the same."""
_SYMBOLS = {
    "forward": "z",
    "Dense.forward": "a",
    "bp1": "delta",
    "Dense.error": "delta",
    "Cost.delta": "delta",
    "bp3": "db",
    "bp4": "dw",
}
"""What an equation's result is called, by the function that computes it."""


def lines(
    inputs: Iterable[Value],
    operations: Sequence[Operation],
    state: Iterable[Value],
    outputs: Sequence[Value],
) -> Iterator[str]:
    """One line for each equation: what is used once, within it, is written inside.

    Parameters
    ----------
    inputs : iterable of Value
        All that enters.
    operations : sequence of Operation
        In order.
    state, outputs : iterables of Value
        What is replaced, and by what.
    """
    inner = _inner(operations, outputs)
    shown = [op for op in operations if op.result not in inner]
    texts: dict[Any, tuple[str, int]] = {v: (v.name, _ATOM) for v in inputs}
    names = _names(shown)
    rows = []
    for op in operations:
        text = _expression(op, texts)
        texts[op.result] = text if op.result in inner else (names[op.result], _ATOM)
        if op.result not in inner:
            kind = f"{op.result.dtype} {op.result.shape}"
            rows.append((f"{names[op.result]} = {text[0]}", kind, _label(op)))
    for before, after in zip(state, outputs, strict=True):
        if before is not after:
            rows.append((f"{before.name} <- {texts[after][0]}", "", ""))
    width = min(64, max((len(left) for left, *_ in rows), default=0))
    for left, kind, origin in rows:
        yield f"{left:{width}}  {kind:20} {'# ' + origin if origin else ''}".rstrip()


def _inner(operations: Sequence[Operation], outputs: Sequence[Value]) -> dict[Value, Operation]:
    """The results that are written inside another's line, and the operation there."""
    users: dict[Value, list[Operation]] = {v: [] for v in outputs}
    for op in operations:
        for v in op.values:
            users.setdefault(v, []).append(op)
    return {
        op.result: user
        for op in operations
        if op.result not in outputs and len(users[op.result]) == 1
        for user in users[op.result]
        if op.name in VIEWS or _within(op.origin, user.origin)
    }


def _within(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one function called the other (or is it), or both are of one equation."""
    shorter = min(one, other, key=len)
    if len(shorter) > 1 and one[-len(shorter) :] == other[-len(shorter) :]:
        return True
    together = zip(reversed(one), reversed(other), strict=False)
    common = list(takewhile(lambda pair: pair[0] == pair[1], together))
    whole = common[-1][0] if common else ""
    return whole in _WHOLE and (whole != "bp2" or one[0] == "sent")  # of no rule of a user's


def _label(op: Operation) -> str:
    """The innermost function that computed it; the step itself, where there is none."""
    return next((name for name in op.origin if "." not in name), "step")


def _names(shown: Sequence[Operation]) -> dict[Value, str]:
    """z, a, delta, dw and db with the number of their layer, t for the rest."""
    passed_on = {v for op in shown for v in op.values if _is_output_error(op)}
    symbols = {op.result: _symbol(op, op.result in passed_on) for op in shown}
    totals, numbers = Counter(symbols.values()), Counter[str]()
    names = {}
    for value, symbol in symbols.items():
        numbers[symbol] += 1
        backward = symbol == "delta" and totals["delta"] == totals["z"]
        number = totals["z"] + 1 - numbers[symbol] if backward else numbers[symbol]
        names[value] = f"{symbol}{number}"
    return names


def _is_output_error(op: Operation) -> bool:
    return "Cost.delta" in op.origin


def _symbol(op: Operation, passed_on: bool) -> str:
    symbol = next((_SYMBOLS[o] for o in op.origin if o in _SYMBOLS), "t")
    gradient = symbol in ("dw", "db") and op.name not in ("matmul", "sum")
    return "t" if gradient or (_is_output_error(op) and passed_on) else symbol


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
    if parts[:1] == (Ellipsis,):  # in front it is written out: x[:, None]
        parts = subscripts(key, rank)
    return ", ".join(_slice(part) for part in parts)


def _slice(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else repr(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
    return ":".join(ends if part.step is None else [*ends, str(part.step)])
