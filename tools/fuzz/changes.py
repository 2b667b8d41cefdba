"""Changes to valid files: of their bytes, of their text, and of the values that they hold.

Each function takes a generator, a valid file and others of its format, and returns a file that
may still be valid. The same generator gives the same file.
"""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any, TypeAlias

__all__ = ["Change", "of_bytes", "of_safetensors", "of_toml"]

Change: TypeAlias = Callable[[Random, bytes, Sequence[bytes]], bytes]

_DEEP = 20_000
_PLACE = '"a place for what json.dumps cannot write"'
_COSTS = (
    "huber(delta=0.1)", "quantile(0.1, 0.9)", "huber(delta=-1)", "huber(delta=1e400)", "huber(",
    "huber(delta='x')", "huber(delta=True)", "huber(**{})", "huber(*[])", "huber(delta=[[1]])",
    f"huber({'-' * 5000}1)", f"huber({'(' * 190}1{')' * 190})", f"quantile({'0.5,' * 5000})",
    f"huber({'[' * 99}{']' * 99})", f"huber({'-' * 400}1)", "huber(delta=9**9**9)",
    "focal(gamma=())", "cross_entropy(label_smoothing=nan)",
    "huber(delta=__import__('os').system('true'))",
)  # fmt: skip
_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"),
    2**31, 2**63, -(2**63), 2**64, 10**30, 10**400, "", "0", "a" * 5000, "\x00", "\ud800",
    "ﷺ\u202e𝕏", "../../etc/passwd", "__class__", *_COSTS, [], {}, [[]],
    [None], {"": None}, {"kind": "dense"},
)  # fmt: skip
_LITERALS = (
    b"0", b"-1", b"1e400", b"nan", b"NaN", b"-Infinity", b"inf", b"9" * 40, b"9" * 5000,
    b"true", b"null", b'""', b'"\\ud800"', b"[]", b"{}", b"[[1], 2]", b'"' + b"x" * 5000 + b'"',
    b"1979-05-27T07:32:00Z", b"0x_1", b"'''", b'"""', b"{a = {b = 1}}", b'"\\u0000"', b"1_000",
)  # fmt: skip


def of_bytes(draw: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Change some bytes, wherever they are."""
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        content = draw.choice(_OF_BYTES)(draw, content, others)
    return content


def of_toml(draw: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Change the lines and the values of a text of ``key = value``, or some bytes."""
    if draw.random() < 0.3:
        return of_bytes(draw, content, others)
    lines = content.split(b"\n")
    for _ in range(draw.choice((1, 1, 2, 4))):
        draw.choice(_OF_LINES)(draw, lines, draw.choice(others).split(b"\n"))
    return b"\n".join(lines)


def of_safetensors(key: str | None = None) -> Change:
    """Change bytes, the header, or the JSON under a key of its metadata; offsets stay right.

    Parameters
    ----------
    key : str, optional
        Change only the entry with this name of what the metadata describe.
    """

    def changed(draw: Random, content: bytes, others: Sequence[bytes]) -> bytes:
        if key is None and draw.random() < 0.2:
            return of_bytes(draw, content, others)
        end = 8 + int.from_bytes(content[:8], "little")
        header, data = json.loads(content[8:end]), content[end:]
        if key is None and draw.random() < 0.1 and data:
            return content[:end] + of_bytes(draw, data, others)[: len(data)].ljust(len(data))
        if key is None and draw.random() < 0.2:
            return _joined(_as_json(draw, header), data)
        described = header.get("__metadata__", {})
        if not described:
            return of_bytes(draw, content, others)
        name, told = draw.choice(list(described.items()))
        tree = json.loads(told)
        part = tree.get(key) if key else tree
        header["__metadata__"][name] = _placed(draw, tree, part, key)
        return _joined(json.dumps(header).encode(), data)

    return changed


def _placed(draw: Random, tree: Any, part: Any, key: str | None) -> str:
    """Return the text of a tree in which one part is changed."""
    text = _as_json(draw, part).decode(errors="surrogatepass")
    if key is None:
        return text
    held = json.dumps({**tree, key: json.loads(_PLACE)})
    return held.replace(_PLACE, text)


def _joined(header: bytes, data: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + data


# Values


def _as_json(draw: Random, tree: Any) -> bytes:
    """Return the text of a tree with a few values changed."""
    holder = [tree]
    for _ in range(draw.choice((1, 1, 2, 3))):
        _change(draw, holder)
    text = json.dumps(holder[0])
    deep = draw.choice(("[", '{"a":')) * draw.choice((50, _DEEP))
    return text.replace(_PLACE, deep).encode()


def _change(draw: Random, holder: list[Any]) -> None:
    """Change one value, somewhere in the first entry."""
    inside, at = draw.choice(_places(holder))
    kind, old = draw.random(), inside[at]
    alike = [each for each in _values(holder) if type(each) is type(old)]
    if kind < 0.35:
        inside[at] = deepcopy(draw.choice(alike))
    elif kind < 0.5:
        inside[at] = deepcopy(draw.choice(_STRANGE))
    elif kind < 0.65 and isinstance(old, int | float):
        inside[at] = draw.choice((-old, old + 1, old - 1, old * 10**6, old // 2, str(old)))
    elif kind < 0.7:
        inside[at] = deepcopy(draw.choice(_values(holder)))
    elif kind < 0.75:
        inside[at] = json.loads(_PLACE)
    elif kind < 0.8:
        inside[at] = [old] * draw.choice((1, 2, 1000))
    elif inside is holder:
        inside[at] = deepcopy(draw.choice(_STRANGE))
    elif isinstance(inside, dict):
        inside[draw.choice(("", "kind", "extra", *inside))] = inside.pop(at)
    else:
        draw.choice((inside.pop, lambda i: inside.insert(i, old)))(at)


def _values(holder: list[Any]) -> list[Any]:
    return [inside[at] for inside, at in _places(holder)]


def _places(holder: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [holder]
    while waiting:
        inside = waiting.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        found += [(inside, key) for key in keys]
        waiting += [inside[key] for key in keys if isinstance(inside[key], dict | list)]
        if len(found) > 2000:
            break
    return found


# Bytes


def _flip(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(content or b"\0")
    for _i in range(draw.choice((1, 1, 8))):
        changed[_at(draw, changed)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _overwrite(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    at, new = _at(draw, content), draw.choice((*_LITERALS, *_NUMBERS))
    return content[:at] + new + content[at + len(new) :]


def _insert(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    at = _at(draw, content)
    deep = draw.choice((b"[", b"{", b"(", b'{"a":', b"a.")) * draw.choice((3, _DEEP))
    return content[:at] + draw.choice((*_LITERALS, *_NUMBERS, deep)) + content[at:]


def _cut(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    return content[: _at(draw, content)]


def _without(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    at = _at(draw, content)
    return content[:at] + content[at + draw.choice((1, 4, 8, 100)) :]


def _twice(draw: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    at = _at(draw, content)
    return content[:at] + content[at : at + draw.choice((1, 4, 8, 100))] + content[at:]


def _spliced(draw: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    other = draw.choice(others)
    return content[: _at(draw, content)] + other[_at(draw, other) :]


def _at(draw: Random, content: Sequence[Any]) -> int:
    """Return a place; every fourth one is among the first 64 bytes."""
    return draw.randrange(
        max(1, len(content) if draw.random() < 0.75 else min(64, len(content)))
    )


_NUMBERS = tuple(
    n.to_bytes(8, "little") for n in (0, 1, 2**31 - 1, 2**32, 2**40, 2**63 - 1, 2**64 - 1)
)
_OF_BYTES = (_flip, _flip, _overwrite, _insert, _cut, _without, _twice, _spliced)


# Lines


def _other_value(draw: Random, lines: list[bytes], _: list[bytes]) -> None:
    at = draw.randrange(len(lines))
    key, equals, value = lines[at].partition(b" = ")
    if equals:
        whole = value.strip().isdigit() and len(value) < 99
        larger = [str(int(value) * 10**6).encode()] * 2 if whole else []
        lines[at] = key + equals + draw.choice((*_LITERALS, *larger, b"[" + value + b"]"))


def _other_key(draw: Random, lines: list[bytes], others: list[bytes]) -> None:
    at = draw.randrange(len(lines))
    key, equals, value = lines[at].partition(b" = ")
    new = draw.choice(
        (b"", b"a.b", b'"\xf0\x9d\x95\x8f"', key.upper(), key.replace(b"_", b"-"))
    )
    lines[at] = new + equals + value


def _foreign_line(draw: Random, lines: list[bytes], others: list[bytes]) -> None:
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(others))


def _same_line(draw: Random, lines: list[bytes], _: list[bytes]) -> None:
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))


def _no_line(draw: Random, lines: list[bytes], _: list[bytes]) -> None:
    if len(lines) > 1:
        del lines[draw.randrange(len(lines))]


def _deep_line(draw: Random, lines: list[bytes], _: list[bytes]) -> None:
    deep = draw.choice(
        (b"x = " + b"[" * _DEEP, b"a." * _DEEP + b"a = 1", b"x = " + b"{a=" * _DEEP)
    )
    lines.insert(draw.randrange(len(lines) + 1), deep)


_OF_LINES = (
    *(_other_value, _other_value, _other_value, _other_key),
    *(_foreign_line, _same_line, _no_line, _deep_line),
)
