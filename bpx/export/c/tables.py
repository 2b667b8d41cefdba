"""A schema as C: a row of a table, its encoding as inputs, and answers in the table's terms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bpx.export.c.text import block, comment, indented, literal, of_type, quoted, sanitised
from bpx.program.operation import DType, dtype_of

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Row", "in_short", "texts"]

_DOUBLE = dtype_of("float64")


@dataclass(frozen=True, eq=False)
class Row:
    """The row of a table that a schema takes.

    Attributes
    ----------
    schema : Schema
    prefix : str
    dtype : DType
        That of the network.
    """

    schema: "Schema"
    prefix: str
    dtype: DType

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in C."""
        taken: set[str] = set()
        return tuple(sanitised(each.name, taken) for each in self.schema.features)

    @property
    def has_texts(self) -> bool:
        """Whether a column holds texts."""
        return any(each.levels for each in self.schema.features)

    def declared(self) -> Iterator[str]:
        """Yield the struct, and the declaration of the function that encodes it."""
        fields = [
            f"{'const char *' if each.levels else 'double '}{name}; {_told(each)}"
            for each, name in zip(self.schema.features, self.names, strict=True)
        ]
        *lines, _ = block(f"struct {self.prefix}_row", fields)
        yield from (*lines, "};")
        yield from comment(
            "Turns a row into the inputs of one sample. A number is missing if it is NAN, a "
            "text if it is NULL, empty or only spaces. Returns how many texts the network was "
            f"not trained on: {_UNSEEN[self.schema.unseen]}"
        )
        yield f"{self.head};"

    @property
    def head(self) -> str:
        """The head of the function."""
        row, kind = f"struct {self.prefix}_row", of_type(self.dtype)
        return f"int {self.prefix}_encode(const {row} *row, {kind} *x)"

    def constants(self) -> Iterator[str]:
        """Yield the levels and shares of the columns of texts, and what finds a level."""
        for each, name in zip(self.schema.features, self.names, strict=True):
            if each.levels:
                texts = ", ".join(map(quoted, each.levels))
                yield f"static const char *const {self.prefix}_{name}_levels[] = {{{texts}}};"
            if each.shares:
                scaled = [(share - each.center) / each.scale for share in (*each.shares, 0.0)]
                numbers = ", ".join(literal(number, _DOUBLE) for number in scaled)
                yield f"static const double {self.prefix}_{name}_shares[] = {{{numbers}}};"
        if self.has_texts:
            yield from ("", *_PLACE.replace("NAME", self.prefix).splitlines())

    def defined(self) -> Iterator[str]:
        """Yield the function."""
        lines = ["int unseen = 0;"]
        at = 0
        for each, name in zip(self.schema.features, self.names, strict=True):
            lines += comment(f"{in_short(each.name)}, {each.encoding}")
            body = self._text(each, name, at) if each.levels else self._number(each, name, at)
            lines += block("", body)
            at += each.width
        lines.append("return unseen;")
        yield from block(self.head, lines)

    def _input(self, at: int | str, text: str) -> str:
        """Return the statement that sets an input, which is rounded to float32 as in bpx."""
        kind = of_type(self.dtype)
        value = text if text.startswith("(float)") else f"(float)({text})"
        return f"x[{at}] = {value if kind == 'float' else f'({kind}){value}'};"

    def _number(self, each: Any, name: str, at: int) -> Iterator[str]:
        fill, center, scale = (
            literal(number, _DOUBLE) for number in (each.fill, each.center, each.scale)
        )
        yield f"const double cell = row->{name};"
        yield "const bool missing = cell != cell;"
        known = f"missing ? {fill} : cell"
        scaled = (each.center, each.scale) != (0.0, 1.0)
        yield self._input(at, f"(({known}) - {center}) / {scale}" if scaled else known)
        if each.indicator:
            yield self._input(at + 1, "(float)missing")

    def _text(self, each: Any, name: str, at: int) -> Iterator[str]:
        count, levels = len(each.levels), f"{self.prefix}_{name}_levels"
        yield f"const int place = {self.prefix}_place(row->{name}, {levels}, {count});"
        yield "unseen += place == -1;"
        if each.encoding == "codes":
            missing = f"place == -2 ? {count} : " if each.indicator else ""
            yield self._input(at, f"place >= 0 ? place : {missing}{each.codes - 1}")
            return
        if each.encoding == "one-hot":
            index = "level" if count > 1 else "0"
            to = f"{at} + {index}" if at else index
            set_one = self._input(to, f"(float)(place == {index})")
            head = f"for (int level = 0; level < {count}; ++level)"
            yield from block(head, [set_one]) if count > 1 else [set_one]
            at += count
        else:
            shares = f"{self.prefix}_{name}_shares"
            yield self._input(at, f"{shares}[place >= 0 ? place : {count}]")
            at += 1
        if each.indicator:
            yield self._input(at, "(float)(place == -2)")


_UNSEEN = {
    "ignore": "they count as none of the known ones.",
    "refuse": "refuse the answer then, as bpx does.",
}
_PLACE = """\
/* The index of a text among some; -1 if it is not one of them, -2 if it is missing. */
static int NAME_place(const char *text, const char *const *levels, int count) {
    /* Those of ASCII that bpx strips; isspace depends on the locale. */
    static const char spaces[] = " \\t\\n\\v\\f\\r\\034\\035\\036\\037";
    size_t length;
    if (text == NULL) return -2;
    text += strspn(text, spaces);
    length = strlen(text);
    while (length > 0 && strchr(spaces, text[length - 1])) --length;
    if (length == 0) return -2;
    for (int place = 0; place < count; ++place) {
        if (strlen(levels[place]) == length && memcmp(levels[place], text, length) == 0) {
            return place;
        }
    }
    return -1;
}"""


def _told(feature: Any) -> str:
    kinds = {"date": "days since 1970-01-01", "boolean": "0 or 1"}
    kind = kinds.get(feature.kind, feature.kind)
    (line,) = comment(f"{in_short(feature.name)}: {kind}")
    return line


def in_short(name: str) -> str:
    """Return a name on one line, for a comment."""
    line = " ".join(name.split())
    return line if len(line) < 60 else f"{line[:57]}..."


def texts(declared: str, names: Sequence[str]) -> Iterator[str]:
    """Yield an array of texts."""
    yield f"{declared}[{len(names)}] = {{"
    yield from indented([f"{quoted(name)}," for name in names])
    yield "};"
