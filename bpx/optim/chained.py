"""The links of a chain, combined into one update with one state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol, Self

from bpx.errors import InputError
from bpx.optim.trees import mapped
from bpx.program.contract import Branches, form
from bpx.program.marks import equation

__all__ = [
    "Averaging",
    "ChainState",
    "Chained",
    "Update",
    "adopted",
    "averaged",
    "averages",
    "called",
    "chained",
]

Update = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``update(updates, state, parameters) -> (updates, state)``, pure and hashable."""


class Averaging(Protocol):
    """A rule after which the network gets other parameters than training continues from.

    Only the last rule of a chain may be one, since it must see the final updates.
    """

    def __call__(self, updates: Any, state: Any, parameters: Any, /) -> tuple[Any, Any]:
        """Return the updates and the state, as every rule does."""

    def averaged(self, state: Any, parameters: Any, /) -> Any:
        """Return the parameters for the network; training continues from `parameters`."""

    def adopted(self, state: Any, parameters: Any, /) -> Any:
        """Return the state in which averaging begins at parameters that the caller set."""


class ChainState(NamedTuple):
    """The states of a chain's links; their fields are read by name, such as ``state.eta``.

    Attributes
    ----------
    parts : tuple
        The state of each link.
    """

    parts: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for part in self.parts:
                if name in getattr(part, "_fields", ()):
                    return getattr(part, name)
        raise AttributeError(f"no link of the chain has {name!r} in its state")

    def having(self, **changed: Any) -> Self:
        """Return a copy with other arrays, by name, in the first link that has the name."""
        parts = list(self.parts)
        for name, value in changed.items():
            getattr(self, name)  # raises if no link has it
            at = next(i for i, p in enumerate(parts) if name in getattr(p, "_fields", ()))
            parts[at] = parts[at]._replace(**{name: value})
        return type(self)(tuple(parts))

    def branches(self) -> Branches:
        """The fields of the links' states, by name; ``[i].name`` if an earlier link has it."""
        named: dict[str, Any] = {}
        for i, part in enumerate(self.parts):
            fields = getattr(part, "_fields", None)
            if fields is None:
                named[f"[{i}]"] = part
                continue
            for field, value in zip(fields, part, strict=True):
                named[f"[{i}].{field}" if field in named else field] = value
        return list(named.items())

    def grown(self, branches: Sequence[Any]) -> Self:
        """Return the same links with other states, in the order of `branches`."""
        given = iter(branches)
        made = []
        for part in self.parts:
            fields = hasattr(part, "_fields")
            made.append(type(part)(*(next(given) for _ in part)) if fields else next(given))
        return type(self)(tuple(made))


@dataclass(frozen=True)
class Chained:
    """The updates of a chain, combined into one."""

    rules: tuple[Update, ...]

    @equation()
    def __call__(
        self, updates: Any, state: ChainState, parameters: Any
    ) -> tuple[Any, ChainState]:
        """Apply every link in turn."""
        parts, at = list(state.parts), 0
        while at < len(self.rules):
            rule, following = self.rules[at], self.rules[at + 1 : at + 2]
            if hasattr(rule, "scaled") and following and hasattr(following[0], "factor"):
                updates, parts[at : at + 2] = _at_once(
                    rule, following[0], updates, parts[at : at + 2], parameters
                )
                at += 2
            else:
                updates, parts[at] = _pair(rule, parts[at], updates, parameters)
                at += 1
        return updates, ChainState(tuple(parts))


def _pair(rule: Update, state: Any, updates: Any, parameters: Any) -> tuple[Any, Any]:
    """Apply a rule; require a pair of updates and a state of the same form."""
    given = rule(updates, state, parameters)
    name = called(rule)
    if type(given) is not tuple or len(given) != 2:
        raise InputError(
            f"update {name!r} of a transformation gave a {type(given).__name__}; expected a "
            "pair: update(updates, state, parameters) -> (updates, state)"
        )
    if not _alike(given[1], state):
        raise InputError(
            f"update {name!r} of a transformation was given the state {form(state)} and "
            f"returned {form(given[1])}; expected a state of the same form: "
            "return updates, state"
        )
    return given


def _alike(one: Any, other: Any) -> bool:
    """Whether two trees have the same form; faster than comparing their `form`."""
    if not isinstance(other, tuple | list):
        return not isinstance(one, tuple | list) and (one is None) == (other is None)
    return type(one) is type(other) and len(one) == len(other) and all(map(_alike, one, other))


def called(rule: Any) -> str:
    """The name of a rule in messages: a function's name, or the class of another value."""
    return str(getattr(rule, "__name__", type(rule).__name__)).strip("_")


def _at_once(
    rule: Any, scaling: Any, updates: Any, parts: list[Any], parameters: Any
) -> tuple[Any, list[Any]]:
    """Apply a rule and the scaling after it in one go: the rule absorbs the factor."""
    factor, after = scaling.factor(parts[1])
    updates, state = rule.scaled(updates, parts[0], parameters, factor)
    return mapped(scaling.signed, updates), [state, after]


def averages(update: Update) -> bool:
    """Whether the network gets other parameters than training continues from."""
    return hasattr(_last(update), "averaged")


def averaged(update: Update, state: Any, parameters: Any) -> Any:
    """Return the parameters that the network gets: see `Averaging`."""
    rule = _last(update)
    return rule.averaged(state.parts[-1], parameters) if averages(update) else parameters


def adopted(update: Update, state: Any, parameters: Any) -> Any:
    """Return the state of an optimizer after the caller has set other parameters."""
    if not averages(update):
        return state
    last = _last(update).adopted(state.parts[-1], parameters)
    return type(state)((*state.parts[:-1], last))


def _last(update: Update) -> Any:
    rules = getattr(update, "rules", ())
    return rules[-1] if rules else None


@cache
def chained(rules: tuple[Update, ...]) -> Update:
    """Combine a chain of rules into one update."""
    return Chained(rules)
