"""Marks: they name an equation in a printed program, at the place where it is defined.

A mark names variables of a function by the book's symbols. It returns the function unchanged,
so that calls cost nothing extra. A recording finds the mark by the function's code, and reads
the variables after the step has run. The printed program therefore uses the equation's own
names, whatever the function is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from bpx.program.array import Recorded
from bpx.program.operation import Value

__all__ = ["Call", "Mark", "Named", "Symbol", "aside", "equation", "mark_of", "symbols"]

F = TypeVar("F", bound=Callable[..., Any])


class Symbol(NamedTuple):
    """A variable of a function, and how a program shows it.

    Attributes
    ----------
    variable : str
    shown : bool
        Whether its line reads ``variable = ...``; a function without a symbol is inline.
    layered : bool
        Whether the number of its layer follows it.
    of : str
        The variable that has the number; if empty, the calls are counted.
    function : str
        The function that gives its value from `arguments`; or empty.
    arguments : tuple of str
    label : str
        The label of the line, with variables in braces: ``{self.name}``.
    bound : bool
        Whether the function has the variable; if not, the value is the result of the
        function's own last operation.
    """

    variable: str
    shown: bool
    layered: bool
    of: str
    function: str
    arguments: tuple[str, ...]
    label: str
    bound: bool = True


@dataclass(frozen=True)
class Mark:
    """The mark of a function.

    Attributes
    ----------
    symbols : tuple of Symbol
    whole : bool
        Whether the function and all that it calls form one equation, in which results that
        are used once are written inline.
    label : str
        The label of lines that no symbol names.
    aside : bool
        Whether the functions that it calls are outside the step's passes and have no symbols.
    """

    symbols: tuple[Symbol, ...] = ()
    whole: bool = False
    label: str = ""
    aside: bool = False


class _Entry(NamedTuple):
    code: CodeType  # kept alive, so that no other code gets its id
    mark: Mark
    function: Callable[[], Any]  # a weak reference


_MARKS: dict[int, _Entry] = {}
"""The marks by the id of the code, since equal code is not the same code."""


def mark_of(code: CodeType) -> Mark | None:
    """Return the mark of the function with this code, or None."""
    found = _MARKS.get(id(code))
    return None if found is None else found.mark


def equation(text: str = "", label: str = "", of: str = "") -> Callable[[F], F]:
    """Mark a function as an equation: ``@equation("delta^l", "BP1", of="z")``.

    Parameters
    ----------
    text : str, optional
        The symbol, ``"grad_a"``, followed by ``^l`` if it has a layer's number; or the symbol
        with its function, ``"a^l = sigma(z)"``; or only the function, ``"sigma_prime(z)"``,
        which is written inline. The symbol, or a function without one, is a variable of the
        marked function. If there is no such variable, it stands for the result of the marked
        function's own last operation, which must then be the return value.
    label : str, optional
        The label of the line: ``"BP1"``, or that of a variable, ``"{self.name}"``.
    of : str, optional
        The variable of the same layer that has its number: ``"z"``, ``"kept.z"``. By default
        the first argument in `text`; without one, the calls are counted.

    Notes
    -----
    A result that is used once within a call is written in the line that uses it. An argument
    that is itself a function of the other arguments, as a is of z, is omitted.
    """
    left, equals, right = text.partition(" = ")
    function, _, inside = (right if equals or "(" not in left else left).partition("(")
    arguments = tuple(inside.rstrip(")").split(", ")) if inside else ()
    name, power, _ = left.partition("^")
    symbol = Symbol(
        variable=name.partition("(")[0],
        shown=not inside or bool(equals),
        layered=bool(power),
        of=of or "".join(arguments[:1]),
        function=function if inside else "",
        arguments=arguments,
        label=label,
    )
    return lambda function: _marked(function, (symbol,) if text else (), label, whole=True)


def symbols(*names: str, label: str = "") -> Callable[[F], F]:
    """Mark a function that is not an equation: some of its variables are symbols."""
    found = tuple(Symbol(name, True, False, "", "", (), "") for name in names)
    return lambda function: _marked(function, found, label, whole=False)


def aside(function: F) -> F:
    """Mark a function outside the step's own passes: nothing that it calls has symbols."""
    code: CodeType = function.__code__
    _MARKS[id(code)] = _Entry(code, Mark(aside=True), ref(function))
    return function


def _marked(function: F, more: tuple[Symbol, ...], label: str, *, whole: bool) -> F:
    code: CodeType = function.__code__
    entry = _MARKS.get(id(code))
    # A def that runs again makes another function with the same code, which starts anew.
    below = entry.mark if entry and entry.function() is function else Mark()
    variables = (*code.co_varnames, *code.co_cellvars)
    found = tuple(each._replace(bound=each.variable in variables) for each in more)
    mark = Mark((*found, *below.symbols), whole or below.whole, label or below.label)
    _MARKS[id(code)] = _Entry(code, mark, ref(function))
    return function


class Named(NamedTuple):
    """A value that an equation names.

    Attributes
    ----------
    symbol : Symbol
    value : Value
    of : Value or None
        The value that has the layer's number.
    arguments : tuple of Value
        Empty if one of the arguments is not an array.
    label : str
        With the variables filled in.
    """

    symbol: Symbol
    value: Value
    of: Value | None
    arguments: tuple[Value, ...]
    label: str


@dataclass(eq=False, slots=True)
class Call:
    """One call of a marked function, in the origin of a recorded operation.

    Attributes
    ----------
    mark : Mark
    last : Value or None
        The result of its own last operation.
    label : str
        With the variables filled in.
    named : tuple of Named
    """

    mark: Mark
    last: Value | None = None
    label: str = ""
    named: tuple[Named, ...] = ()

    def __str__(self) -> str:
        return self.label or "step"

    def read(self, variables: Mapping[str, Any]) -> None:
        """Read the function's variables, as they are when it returns."""
        self.label = _said(self.mark.label, variables)
        found = []
        for symbol in self.mark.symbols:
            value = _value(variables, symbol.variable) if symbol.bound else self.last
            if value is not None:
                of = _value(variables, symbol.of)
                arguments = _values(variables, symbol.arguments)
                label = _said(symbol.label, variables)
                found.append(Named(symbol, value, of, arguments, label))
        self.named = tuple(found)


def _said(label: str, variables: Mapping[str, Any]) -> str:
    return label.format_map(variables) if "{" in label else label


def _value(variables: Mapping[str, Any], path: str) -> Value | None:
    """The array of a variable, ``z``, or of its field, ``kept.z``; None for anything else."""
    name, _, field = path.partition(".")
    found = variables.get(name)
    if field:
        found = getattr(found, field, None)
    return found.value if type(found) is Recorded else None


def _values(variables: Mapping[str, Any], paths: tuple[str, ...]) -> tuple[Value, ...]:
    found = [value for path in paths if (value := _value(variables, path)) is not None]
    return tuple(found) if len(found) == len(paths) else ()
