"""The small changes that can be made to a source, each of which some test should notice.

A mutation changes one place: a comparison, an integer by one, an operator of arithmetic,
``and`` and ``or``, ``not`` or the condition of an ``if``, ``all`` and ``any``, ``min`` and
``max``, ``True`` and ``False``, a default of ``None``, a keyword argument, or a ``raise``. Type
annotations, base classes and the contents of f-strings stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from difflib import unified_diff
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Mutation", "diff", "find_mutations", "mutated"]

COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "is": "is not", "is not": "is", "in": "not in", "not in": "in",
}  # fmt: skip
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "*", "**": "*", "@": "*"}
BOTH_WAYS = {
    "all": "any", "min": "max", "minimum": "maximum", "logical_and": "logical_or",
    "argmin": "argmax", "and": "or", "True": "False",
}  # fmt: skip
SWAPS = BOTH_WAYS | {b: a for a, b in BOTH_WAYS.items()}
SYMBOL = re.compile(r"\bis\s+not\b|\bnot\s+in\b|\bis\b|\bin\b|\band\b|\bor\b|[-<>=!+*/%@|&^]+")
TYPES = ("annotation", "returns", "bases")


class Mutation(NamedTuple):
    """A replacement for the bytes of a source from `start` to `end`."""

    start: int
    end: int
    new: str


def find_mutations(source: str) -> list[Mutation]:
    """All mutations of a Python source, in the order of their places."""
    return sorted(_Finder(source).find(ast.parse(source)))


def mutated(source: str, change: Mutation) -> str:
    """The source with a mutation."""
    text = source.encode()
    return b"".join((text[: change.start], change.new.encode(), text[change.end :])).decode()


def diff(file: str, source: str, change: Mutation) -> str:
    """The mutation as a unified diff."""
    before, after = source.splitlines(), mutated(source, change).splitlines()
    return "\n".join(unified_diff(before, after, file, file, n=2, lineterm=""))


class _Finder:
    """Finds the mutations of each node, and their bytes in the source."""

    def __init__(self, source: str):
        self.text = source.encode()
        lines = self.text.splitlines(keepends=True)
        self.starts = [sum(map(len, lines[:n])) for n in range(len(lines))]

    def find(self, node: ast.AST) -> Iterator[Mutation]:
        yield from self._of(node)
        for field, value in ast.iter_fields(node):
            if field in TYPES or isinstance(node, ast.JoinedStr):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.find(child)

    def _of(self, node: ast.AST) -> Iterator[Mutation]:
        match node:
            case ast.Compare():
                yield from self._between([node.left, *node.comparators], COMPARISONS)
            case ast.BoolOp():
                yield from self._between(node.values, SWAPS)
            case ast.BinOp():
                yield from self._between([node.left, node.right], ARITHMETIC)
            case ast.AugAssign():
                assigned = {f"{a}=": f"{b}=" for a, b in ARITHMETIC.items()}
                yield from self._between([node.target, node.value], assigned)
            case ast.UnaryOp(op=ast.Not()):
                yield Mutation(self._start(node), self._start(node) + len("not "), "")
            case ast.If() | ast.IfExp():
                yield self._replaced(node.test, f"(not ({self._text(node.test)}))")
            case ast.Name(id=name) if name in SWAPS:
                yield self._replaced(node, SWAPS[name])
            case ast.Attribute(attr=name) if name in SWAPS:
                yield Mutation(self._end(node) - len(name), self._end(node), SWAPS[name])
            case ast.Constant(value=bool(value)):
                yield self._replaced(node, str(not value))
            case ast.Constant(value=int(value)):
                yield self._replaced(node, str(value + 1))
                yield self._replaced(node, f"({value} - 1)")
            case ast.arguments():
                yield from self._defaults(node)
            case ast.Call():
                yield from map(self._dropped, (word for word in node.keywords if word.arg))
            case ast.Raise():
                yield self._replaced(node, "pass")

    def _between(self, operands: list[ast.expr], table: dict[str, str]) -> Iterator[Mutation]:
        """Mutate the operators between operands for which a table has a replacement."""
        for left, right in pairwise(operands):
            start = self._end(left)
            found = SYMBOL.search(self.text[start : self._start(right)].decode())
            new = found and table.get(" ".join(found[0].split()))
            if found and new:
                yield Mutation(start + found.start(), start + found.end(), new)

    def _defaults(self, node: ast.arguments) -> Iterator[Mutation]:
        for default in (*node.defaults, *node.kw_defaults):
            if isinstance(default, ast.Constant) and default.value is None:
                yield self._replaced(default, "0")

    def _dropped(self, keyword: ast.keyword) -> Mutation:
        comma = re.compile(rb"\s*,\s*").match(self.text, self._end(keyword))
        return Mutation(self._start(keyword), comma.end() if comma else self._end(keyword), "")

    def _replaced(self, node: ast.stmt | ast.expr, new: str) -> Mutation:
        return Mutation(self._start(node), self._end(node), new)

    def _text(self, node: ast.expr) -> str:
        return self.text[self._start(node) : self._end(node)].decode()

    def _start(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset
