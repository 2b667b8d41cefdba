"""The book's symbols for a program's values, as the marks of its equations tell them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bpx.program.marks import Call, Named
from bpx.program.operation import Operation, Value, needed

__all__ = ["calls_of", "symbols", "with_functions"]


def calls_of(operations: Iterable[Operation]) -> tuple[Call, ...]:
    """The calls of marked functions, in order, the inner one before the outer."""
    found = (each for op in operations for each in op.origin if isinstance(each, Call))
    return tuple(dict.fromkeys(found))


def symbols(
    calls: Iterable[Call], inputs: Iterable[Value]
) -> Iterator[tuple[Value, Named, str]]:
    """The values that have a symbol, and the symbol with its layer's number.

    A value has one symbol, and no two values have the same, nor that of an input.
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
    """The text, or the text and a number, such that it is not taken; then it is."""
    found = next(
        each
        for each in (text, *(f"{text}_{i}" for i in range(2, len(taken) + 3)))
        if each not in taken
    )
    taken.add(found)
    return found


def with_functions(
    operations: Sequence[Operation], calls: Iterable[Call], outputs: Iterable[Value]
) -> tuple[tuple[Operation, ...], dict[Value, Named]]:
    """The operations, with one in the place of all that a function of the equations does.

    Such an operation has the function's name, and its arguments as operands. What else needs
    of the operations that it stands for stays beside it.

    Returns
    -------
    tuple of Operation
    dict
        What is so written, and by which equation.
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
"""A function's name, its arguments, and what it is told to be."""


def _is_made_of(
    each: Named, operations: Sequence[Operation], makers: Mapping[Value, int]
) -> bool:
    """Whether a value is made of the arguments alone, and these are there before it."""
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
    """The arguments without those that the same part makes of the others, as a of z."""
    kept: tuple[Value, ...] = ()
    for value in each.arguments:
        made = any(
            set(arguments) <= set(kept) and label == each.label
            for _, arguments, label in facts.get(value, ())
        )
        if value not in kept and not made:
            kept = (*kept, value)
    return kept
