"""What an equation is called in a printed program: it says so itself, where it is written.

A mark names variables of a function by the book's symbols. It gives the function back as it
is, so that a call costs nothing more. A recording finds it by the function's code, and reads
the variables once the step is through: what a line of the printed program says of a number is
what the equation says of it, whatever the function is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from bpx.program.array import Recorded
from bpx.program.operation import Value

__all__ = ["Call", "Mark", "Named", "Symbol", "equation", "mark_of", "symbols"]

F = TypeVar("F", bound=Callable[..., Any])


class Symbol(NamedTuple):
    """A variable of a function, and what it is.

    Attributes
    ----------
    variable : str
    shown : bool
        Whether its line says ``variable = ...``; one of a function alone is written inside.
    layered : bool
        Whether the number of its layer follows it.
    of : str
        The variable that the number is read from; with none of them the calls are counted.
    function : str
        What it is a function of `arguments` by; or none.
    arguments : tuple of str
    label : str
        What the line is told to be, with variables in braces: ``{self.name}``.
    bound : bool
        Whether the function has the variable; else it is what its own last operation gives.
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
    """What is known of a function.

    Attributes
    ----------
    symbols : tuple of Symbol
    whole : bool
        Whether all that it calls is one equation: what is used once is written inside.
    label : str
        Of the lines that none of the symbols names.
    """

    symbols: tuple[Symbol, ...] = ()
    whole: bool = False
    label: str = ""


class _Entry(NamedTuple):
    code: CodeType  # kept, so that no other code has its identity
    mark: Mark
    function: Callable[[], Any]  # a weak reference


_MARKS: dict[int, _Entry] = {}
"""By the code's identity: equal code is not the same code."""


def mark_of(code: CodeType) -> Mark | None:
    """The mark of the function that has this code."""
    found = _MARKS.get(id(code))
    return None if found is None else found.mark


def equation(text: str = "", label: str = "", of: str = "") -> Callable[[F], F]:
    """Mark a function as an equation: ``@equation("delta^l", "BP1", of="z")``.

    Parameters
    ----------
    text : str, optional
        The symbol, ``"grad_a"``, with ``^l`` behind it if it has a layer's number; or what
        it is a function of, too, ``"a^l = sigma(z)"``; or the function alone,
        ``"sigma_prime(z)"``, which is written inside. The symbol, or the function that stands
        alone, is a variable of the marked function. If there is no such variable, it is what
        the last operation of the function's own gives: then it must be what is returned.
    label : str, optional
        What the line is told to be: ``"BP1"``, or of a variable, ``"{self.name}"``.
    of : str, optional
        The variable of the same layer, which has its number: ``"z"``, ``"kept.z"``. Left
        out, it is the function's first argument, or the calls are counted.

    Notes
    -----
    What is used once within a call of it is written in the line that uses it. An argument of a
    function that is itself a function of the others, as a is of z, is not written.
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
    """Mark a function that is no equation: some of its variables are symbols."""
    found = tuple(Symbol(name, True, False, "", "", (), "") for name in names)
    return lambda function: _marked(function, found, label, whole=False)


def _marked(function: F, more: tuple[Symbol, ...], label: str, *, whole: bool) -> F:
    code: CodeType = function.__code__
    entry = _MARKS.get(id(code))
    # Another function of the same code, as a def that is run again makes one, begins anew.
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
        What has the layer's number.
    arguments : tuple of Value
        None of them where one is no array.
    label : str
        Written out.
    """

    symbol: Symbol
    value: Value
    of: Value | None
    arguments: tuple[Value, ...]
    label: str


@dataclass(eq=False, slots=True)
class Call:
    """One call of a marked function, in what a recording tells of an operation.

    Attributes
    ----------
    mark : Mark
    last : Value or None
        What the last operation of its own gave.
    label : str
        Written out.
    named : tuple of Named
    """

    mark: Mark
    last: Value | None = None
    label: str = ""
    named: tuple[Named, ...] = ()

    def __str__(self) -> str:
        return self.label or "step"

    def read(self, variables: Mapping[str, Any]) -> None:
        """Look at the function's variables, as they are when it is through."""
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
    """The array of a variable, ``z``, or of its field, ``kept.z``; None for another thing."""
    name, _, field = path.partition(".")
    found = variables.get(name)
    if field:
        found = getattr(found, field, None)
    return found.value if type(found) is Recorded else None


def _values(variables: Mapping[str, Any], paths: tuple[str, ...]) -> tuple[Value, ...]:
    found = [value for path in paths if (value := _value(variables, path)) is not None]
    return tuple(found) if len(found) == len(paths) else ()
