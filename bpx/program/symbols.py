"""The book's symbols for a program's values, from the marks of its equations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count

from bpx.program.marks import Call, Named
from bpx.program.operation import Operation, Value, needed

__all__ = ["calls_of", "symbols", "with_functions"]


def calls_of(operations: Iterable[Operation]) -> tuple[Call, ...]:
    """The calls of marked functions, in order, inner calls before outer ones.

    Functions marked `aside`, such as a second forward pass, are excluded with all they call.
    """
    found: dict[Call, None] = {}
    for op in operations:
        calls = [each for each in op.origin if isinstance(each, Call)]
        aside = [i for i, each in enumerate(calls, 1) if each.mark.aside]
        found.update(dict.fromkeys(calls[max(aside, default=0) :]))
    return tuple(found)


def symbols(
    calls: Iterable[Call], inputs: Iterable[Value]
) -> Iterator[tuple[Value, Named, str]]:
    """Yield the values that have a symbol, each with the symbol and its layer's number.

    A value has one symbol, which differs from those of other values and from inputs' names.
    """
    numbers: dict[Value | None, int] = {}
    counts: dict[str, int] = {}
    named, taken = set(inputs), {v.name for v in inputs}
    for each in (each for call in calls for each in call.named if each.symbol.shown):
        text = each.symbol.variable
        if each.symbol.layered:
            number = numbers.get(each.of)
            if each.symbol.of and number is None:
                continue
            if number is None:
                number = counts[text] = counts.get(text, 0) + 1
            numbers.setdefault(each.value, number)
            text = f"{text}{number}"
        if each.value not in named:
            named.add(each.value)
            yield each.value, each, free(text, taken)


def free(text: str, taken: set[str]) -> str:
    """Return `text`, with a number if it is taken, and add the result to `taken`."""
    others = (f"{text}_{i}" for i in count(2))
    found = next(each for each in chain((text,), others) if each not in taken)
    taken.add(found)
    return found


def with_functions(
    operations: Sequence[Operation], calls: Iterable[Call], outputs: Iterable[Value]
) -> tuple[tuple[Operation, ...], dict[Value, Named]]:
    """Replace all operations of a function in the equations by one operation.

    This operation has the function's name, and its arguments as operands. Operations that it
    replaces stay if others need them.

    Returns
    -------
    tuple of Operation
    dict
        The values of these functions, and the equation that names each.
    """
    makers = {op.result: i for i, op in enumerate(operations)}
    facts: dict[Value, dict[_Fact, Named]] = {}
    for each in (each for call in calls for each in call.named if each.arguments):
        if _is_made_of(each, operations, makers):
            fact = each.symbol.function, _independent(each, facts), each.label
            facts.setdefault(each.value, {}).setdefault(fact, each)
    known = {value: found for value, found in facts.items() if len(found) == 1}
    written = []
    for op in operations:
        for name, arguments, _ in known.get(op.result, ()):
            op = Operation(name, arguments, op.result, (), op.origin)
        written.append(op)
    by = {value: each for value, found in known.items() for each in found.values()}
    return needed(written, outputs), by


_Fact = tuple[str, tuple[Value, ...], str]
"""A function's name, its arguments, and its label."""


def _is_made_of(
    each: Named, operations: Sequence[Operation], makers: Mapping[Value, int]
) -> bool:
    """Whether a value is computed only from the arguments, and these are made before it."""
    given = each.arguments
    if each.value not in makers or each.value in given:
        return False
    place, to_see = makers[each.value], [each.value]
    if any(makers.get(v, -1) > place or (v not in makers and not v.name) for v in given):
        return False
    seen = set(given)
    while to_see:
        value = to_see.pop()
        if value in seen:
            continue
        if value not in makers:
            return False
        seen.add(value)
        to_see += operations[makers[value]].values
    return True


def _independent(
    each: Named, facts: Mapping[Value, Mapping[_Fact, Named]]
) -> tuple[Value, ...]:
    """The arguments, except those that the same part computes from others, such as a from z."""
    kept: tuple[Value, ...] = ()
    for value in each.arguments:
        made = any(
            set(arguments) <= set(kept) and label == each.label
            for _, arguments, label in facts.get(value, ())
        )
        if value not in kept and not made:
            kept = (*kept, value)
    return kept
