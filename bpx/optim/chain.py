"""Chains of transformations, which turn a gradient into updates that are added to the weights.

A transformation is a pair of pure functions. ``init(parameters)`` returns its state, a named
tuple of arrays. ``update(updates, state, parameters)`` returns ``(updates, state)``. The first
update of a chain gets the gradients, each passes its updates to the next, and those of the last
are *added* to the parameters. Every number (eta, mu, a counter) is an array in the state, so
that one compiled step serves every learning rate; a change to the rule itself is another
`update`.

After R. Frostig et al., "Composable transformations" in Optax (2020).
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import CO_VARKEYWORDS, getattr_static, isfunction
from typing import Any, Protocol, Self

from bpx.arrays.registry import backend_of
from bpx.errors import InputError, nearest
from bpx.optim.chained import ChainState, Update, called, chained
from bpx.program.contract import named_leaves

__all__ = [
    "Beginning",
    "Chain",
    "Optimizer",
    "Transformation",
    "chain",
    "check_optimizer",
    "initial",
]


@dataclass(frozen=True)
class Transformation:
    """One link of a chain.

    Parameters
    ----------
    init : callable
        ``init(parameters)`` returns the state before the first step: a named tuple of arrays,
        or ``()``.
    update : callable
        ``update(updates, state, parameters) -> (updates, state)``: a module-level function, or
        another hashable value that is equal for transformations that differ only in numbers.

    Examples
    --------
    >>> def sign(updates, state, parameters):
    ...     return bpx.optim.mapped(lambda g: bpx.namespace(g).sign(g), updates), state
    >>> signed = bpx.optim.Transformation(lambda parameters: (), sign)
    >>> optimizer = bpx.optim.chain(signed, bpx.optim.scale(-0.01))
    """

    init: Callable[[Any], Any]
    update: Update

    def __repr__(self) -> str:
        rule = called(self.update)
        numbers = self.init.numbers if isinstance(self.init, Beginning) else ()
        return f"<bpx.optim.Transformation {' '.join(map(str, (rule, *numbers)))}>"


@dataclass(frozen=True)
class Beginning:
    """The `init` of a transformation with numbers; equal numbers make equal values.

    Attributes
    ----------
    make : callable
        ``make(*numbers, parameters)`` returns the state.
    numbers : tuple
    """

    make: Callable[..., Any]
    numbers: tuple[Any, ...]

    def __call__(self, parameters: Any) -> Any:
        """The state before the first step."""
        return self.make(*self.numbers, parameters)


class Optimizer(Protocol):
    """The interface of an optimizer, which is a value made of transformations.

    `SGD`, `Adam` and `AdamW` are optimizers, and training takes the result of `chain` and a
    single `Transformation` as well. To write your own, derive a frozen dataclass from this
    class, with a property `transformations`.
    """

    def __new__(cls, *given: Any, **named: Any) -> Self:
        """Refuse arguments that the optimizer does not have, such as those of PyTorch.

        Raises
        ------
        InputError
        """
        own = cls.__mro__[: cls.__mro__.index(Optimizer)]
        begin = next((vars(each)["__init__"] for each in own if "__init__" in vars(each)), None)
        if begin in (None, object.__init__) and (given or named):
            raise TypeError(f"{cls.__name__}() takes no arguments")
        code = getattr(begin, "__code__", None)
        if code is not None and not code.co_flags & CO_VARKEYWORDS:
            known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
            if wrong := [name for name in named if name not in known]:
                each = ", ".join(f"{name!r}{nearest(name, known, 0.8)}" for name in wrong)
                raise InputError(f"{cls.__name__} has no {each}; known: {', '.join(known)}")
        return super().__new__(cls)

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """The transformations of the chain, in order."""

    @property
    def update(self) -> Update:
        """The rule; it is equal for optimizers that differ only in numbers."""
        return chained(tuple(each.update for each in self.transformations))

    def init(self, parameters: Any) -> Any:
        """The state before the first step."""
        return ChainState(tuple(each.init(parameters) for each in self.transformations))


@dataclass(frozen=True)
class Chain(Optimizer):
    """A sequence of transformations: see `chain`."""

    links: tuple[Transformation, ...]

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """The links."""
        return self.links


def chain(*links: "Transformation | Optimizer") -> Chain:
    """Return an optimizer that applies transformations and other optimizers in turn.

    Parameters
    ----------
    *links : Transformation or Optimizer
        In the order in which the gradient passes through them.

    Raises
    ------
    InputError
        If a link is neither, or if one that averages the parameters is not the last.

    Examples
    --------
    >>> clipped = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(1e-3))
    """
    made = Chain(tuple(each for link in links for each in _links(link)))
    _check_links(made)
    return made


def _links(link: Any) -> tuple[Transformation, ...]:
    if isinstance(link, Transformation):
        return (link,)
    check_optimizer(link)
    found: tuple[Transformation, ...] = link.transformations
    return found


def check_optimizer(optimizer: Any) -> None:
    """Raise an `InputError` if `optimizer` is not an optimizer."""
    if isinstance(optimizer, Transformation):
        return
    made = not isinstance(optimizer, type)
    own = made and _has_own_update(type(optimizer))
    if made and hasattr(optimizer, "transformations") and not own:
        _check_links(optimizer)
        return
    if made and hasattr(optimizer, "update"):
        raise InputError(
            f"optimizer={optimizer!r} has its own init and update, as in earlier versions, "
            "where update returned the new parameters; it now returns what is added to "
            "them: update(updates, state, parameters) -> (updates, state). Three lines "
            "change:\n"
            "  each p - eta * g of an array becomes -eta * g, for all arrays "
            "bpx.optim.mapped(lambda g: ..., updates)\n"
            "  return bpx.Parameters(w, b), state  becomes  return updates, state\n"
            "  optimizer=yours  becomes  "
            "optimizer=bpx.optim.Transformation(yours.init, yours.update)"
        )
    is_class = not made and Optimizer in optimizer.__mro__
    call = f", a class; call it, as {optimizer.__name__}(1e-3)" if is_class else ""
    raise InputError(
        f"optimizer={optimizer!r} was given{call}; expected bpx.SGD(eta), bpx.Adam(), "
        "bpx.AdamW(), or another chain of transformations: see bpx.optim"
    )


def _has_own_update(kind: Any) -> bool:
    """Whether a class overrides the update of its transformations with a method."""
    return Optimizer in kind.__mro__ and isfunction(getattr_static(kind, "update"))


def _check_links(optimizer: Any) -> None:
    links = optimizer.transformations
    if not isinstance(links, tuple | list) or not all(
        isinstance(each, Transformation) for each in links
    ):
        raise InputError(
            f"transformations of the optimizer {type(optimizer).__name__} is {links!r}; "
            "expected a property that returns a tuple of bpx.optim.Transformation"
        )
    for i, link in enumerate(links, 1):
        if hasattr(link.update, "averaged"):
            _check_average(link, last=i == len(links))


def _check_average(link: Transformation, *, last: bool) -> None:
    if not last:
        raise InputError(
            f"{link!r} averages the parameters after each step, but other links follow it; "
            "make it the last link of the chain"
        )
    if not hasattr(link.update, "adopted"):
        raise InputError(
            f"the update of {link!r} has a method averaged, but no adopted(state, parameters); "
            "add one, which returns the state in which averaging begins at these parameters"
        )


def initial(optimizer: Any, parameters: Any) -> Any:
    """Return the state before the first step.

    Raises
    ------
    InputError
        If it is not a tree of tuples and arrays.
    """
    state = optimizer.init(parameters)
    for place, leaf in named_leaves(state, "state"):
        if backend_of(leaf) is None:
            raise InputError(
                f"init of {optimizer!r} gave {leaf!r} as {place}; expected arrays, in tuples "
                "or named tuples"
            )
    return state
