"""Chains of transformations: what is done with a gradient, until it is added to the weights.

A transformation is a pair of pure functions. ``init(parameters)`` gives its state, a named
tuple of arrays. ``update(updates, state, parameters)`` gives ``(updates, state)``: updates
enter the first one of a chain as the gradients, each hands its own to the next, and what the
last one gives is *added* to the parameters. Every number (eta, mu, a counter) is an array in
the state, so that one compiled step serves every learning rate; what changes the rule itself
is another `update`.

After R. Frostig et al., "Composable transformations" in Optax (2020).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import getattr_static, isfunction
from typing import Any, NamedTuple, Protocol, Self

from bpx.arrays.registry import backend_of
from bpx.errors import InputError
from bpx.optim.trees import mapped
from bpx.program.contract import Branches, named_leaves

__all__ = [
    "Beginning",
    "Chain",
    "ChainState",
    "Chained",
    "Optimizer",
    "Transformation",
    "Update",
    "chain",
    "check_optimizer",
    "initial",
]

Update = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``update(updates, state, parameters) -> (updates, state)``, pure and hashable."""


@dataclass(frozen=True)
class Transformation:
    """One link of a chain.

    Parameters
    ----------
    init : callable
        ``init(parameters)`` gives the state before the first step: a named tuple of arrays,
        or ``()``.
    update : callable
        ``update(updates, state, parameters) -> (updates, state)``: a function of a module, or
        another hashable value, equal for transformations that differ in numbers alone.

    Examples
    --------
    >>> def sign(updates, state, parameters):
    ...     return bpx.optim.mapped(lambda g: bpx.namespace(g).sign(g), updates), state
    >>> signed = bpx.optim.Transformation(lambda parameters: (), sign)
    >>> optimizer = bpx.optim.chain(signed, bpx.optim.scale(-0.01))
    """

    init: Callable[[Any], Any]
    update: Update


@dataclass(frozen=True)
class Beginning:
    """The `init` of a transformation made of numbers: equal for equal ones.

    Attributes
    ----------
    make : callable
        ``make(*numbers, parameters)``, the state.
    numbers : tuple
    """

    make: Callable[..., Any]
    numbers: tuple[Any, ...]

    def __call__(self, parameters: Any) -> Any:
        """The state before the first step."""
        return self.make(*self.numbers, parameters)


class Optimizer(Protocol):
    """What training takes as an optimizer: a value made of transformations.

    `SGD`, `Adam` and `AdamW` are, and so are `chain` and a single `Transformation`. One of
    your own is a frozen dataclass with this as its base and a property `transformations`.
    """

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """What it is a chain of, in order."""

    @property
    def update(self) -> Update:
        """The rule: equal for optimizers that differ in numbers alone."""
        return chained(tuple(each.update for each in self.transformations))

    def init(self, parameters: Any) -> Any:
        """The state before the first step."""
        return ChainState(tuple(each.init(parameters) for each in self.transformations))


@dataclass(frozen=True)
class Chain(Optimizer):
    """Transformations, one after another: see `chain`."""

    links: tuple[Transformation, ...]

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Its links."""
        return self.links


def chain(*links: "Transformation | Optimizer") -> Chain:
    """An optimizer of transformations, and of other optimizers, one after another.

    Parameters
    ----------
    *links : Transformation or Optimizer
        In the order in which the gradient passes through them.

    Raises
    ------
    InputError
        If one is neither.

    Examples
    --------
    >>> clipped = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(1e-3))
    """
    return Chain(tuple(each for link in links for each in _links(link)))


def _links(link: Any) -> tuple[Transformation, ...]:
    if isinstance(link, Transformation):
        return (link,)
    check_optimizer(link)
    found: tuple[Transformation, ...] = link.transformations
    return found


class ChainState(NamedTuple):
    """The states of a chain's links; what is in them is read by name, such as ``state.eta``.

    Attributes
    ----------
    parts : tuple
        One for each link.
    """

    parts: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for part in self.parts:
                if name in getattr(part, "_fields", ()):
                    return getattr(part, name)
        raise AttributeError(f"no link of the chain has {name!r} in its state")

    def having(self, **changed: Any) -> Self:
        """The same with other arrays, by name: of the first link that has the name."""
        parts = list(self.parts)
        for name, value in changed.items():
            getattr(self, name)  # which says so where no link has it
            at = next(i for i, p in enumerate(parts) if name in getattr(p, "_fields", ()))
            parts[at] = parts[at]._replace(**{name: value})
        return type(self)(tuple(parts))

    def branches(self) -> Branches:
        """What is in the links' states, by name."""
        named: Branches = []
        for i, part in enumerate(self.parts):
            fields = getattr(part, "_fields", None)
            named += [(f"[{i}]", part)] if fields is None else zip(fields, part, strict=True)
        return named

    def grown(self, branches: Sequence[Any]) -> Self:
        """The same links with other states, in the order of `branches`."""
        given = iter(branches)
        made = []
        for part in self.parts:
            fields = hasattr(part, "_fields")
            made.append(type(part)(*(next(given) for _ in part)) if fields else next(given))
        return type(self)(tuple(made))


@dataclass(frozen=True)
class Chained:
    """The updates of a chain as one."""

    rules: tuple[Update, ...]

    def __call__(
        self, updates: Any, state: ChainState, parameters: Any
    ) -> tuple[Any, ChainState]:
        """Through every link."""
        parts, at = list(state.parts), 0
        while at < len(self.rules):
            rule, following = self.rules[at], self.rules[at + 1 : at + 2]
            if hasattr(rule, "scaled") and following and hasattr(following[0], "factor"):
                updates, parts[at : at + 2] = _at_once(
                    rule, following[0], updates, parts[at : at + 2], parameters
                )
                at += 2
            else:
                updates, parts[at] = _pair(rule, rule(updates, parts[at], parameters))
                at += 1
        return updates, ChainState(tuple(parts))


def _pair(rule: Update, given: Any) -> tuple[Any, Any]:
    """What a rule gave, if it is the two that it must give."""
    if type(given) is tuple and len(given) == 2:
        return given
    name = getattr(rule, "__name__", type(rule).__name__)
    raise InputError(
        f"update {name!r} of a transformation gave a {type(given).__name__}; expected a pair: "
        "update(updates, state, parameters) -> (updates, state)"
    )


def _at_once(
    rule: Any, scaling: Any, updates: Any, parts: list[Any], parameters: Any
) -> tuple[Any, list[Any]]:
    """A rule and a number that scales its updates: the number goes into the rule's own."""
    factor, after = scaling.factor(parts[1])
    updates, state = rule.scaled(updates, parts[0], parameters, factor)
    return mapped(scaling.signed, updates), [state, after]


@cache
def chained(rules: tuple[Update, ...]) -> Update:
    """The one update of a chain of rules."""
    return Chained(rules)


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimizer, with an `InputError`."""
    if isinstance(optimizer, Transformation):
        return
    made = not isinstance(optimizer, type)
    own = made and _has_own_update(type(optimizer))
    if made and hasattr(optimizer, "transformations") and not own:
        _check_links(optimizer)
        return
    if made and hasattr(optimizer, "update"):
        raise InputError(
            f"optimizer={optimizer!r} has init and update of its own, as in earlier versions, "
            "where update gave back the new parameters; it now gives back what is added to "
            "them: update(updates, state, parameters) -> (updates, state). Three lines "
            "change:\n"
            "  each p - eta * g of an array becomes -eta * g, for all arrays "
            "bpx.optim.mapped(lambda g: ..., updates)\n"
            "  return bpx.Parameters(w, b), state  becomes  return updates, state\n"
            "  optimizer=yours  becomes  "
            "optimizer=bpx.optim.Transformation(yours.init, yours.update)"
        )
    raise InputError(
        f"optimizer={optimizer!r} was given; expected bpx.SGD(eta), bpx.Adam(), bpx.AdamW(), "
        "or another chain of transformations: see bpx.optim"
    )


def _has_own_update(kind: Any) -> bool:
    """Whether a class puts a method in the place of the update of its transformations."""
    return Optimizer in kind.__mro__ and isfunction(getattr_static(kind, "update"))


def _check_links(optimizer: Any) -> None:
    links = optimizer.transformations
    if not isinstance(links, tuple | list) or not all(
        isinstance(each, Transformation) for each in links
    ):
        raise InputError(
            f"transformations of the optimizer {type(optimizer).__name__} is {links!r}; "
            "expected a property that gives a tuple of bpx.optim.Transformation"
        )


def initial(optimizer: Any, parameters: Any) -> Any:
    """The state before the first step.

    Raises
    ------
    InputError
        If it is no tree of tuples and arrays.
    """
    state = optimizer.init(parameters)
    for place, leaf in named_leaves(state, "state"):
        if backend_of(leaf) is None:
            raise InputError(
                f"init of {optimizer!r} gave {leaf!r} as {place}; expected arrays, in tuples "
                "or named tuples"
            )
    return state
