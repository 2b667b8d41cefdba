"""The modules in a PyTorch ``Sequential``, and those that do not compute what they seem to.

PyTorch's classes are recognised by their names, so that importing this imports no PyTorch.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bpx.arrays.registry import dtype_name
from bpx.errors import InputError

__all__ = ["Part", "check_dtypes", "check_modules", "inside", "parts_of"]

_OWN = ("bpx.export.torch.modules", "bpx.export.torch.equations")


class Part(NamedTuple):
    """A module, and its place: ``2``, or ``2.0`` within the one at 2."""

    place: str
    module: Any

    @property
    def kind(self) -> str:
        """The name of its class, if that is PyTorch's or bpx's; else none."""
        made = type(self.module)
        known = made.__module__ in _OWN or made.__module__.startswith("torch.nn.modules.")
        return made.__name__ if known else ""

    def __str__(self) -> str:
        name = f"{type(self.module).__name__}({self.module.extra_repr()})"
        return f"{self.place}: {name}" if self.place else name


def check_modules(module: Any) -> None:
    """Refuse a module that does not compute what its class and its parameters show.

    Raises
    ------
    InputError
        If it, or one inside it, is compiled, has no parameters yet, has a ``forward`` of its
        own, or has hooks.
    """
    for place, each in module.named_modules():
        part = Part(place, each)
        if any(made.__name__ == "OptimizedModule" for made in type(each).__mro__):
            raise _compiled(part)
        if _is_lazy(each):
            raise InputError(
                f"{part} has no parameters before its first call, which tells it the number of "
                "inputs; expected a module with parameters: call it on samples once, "
                "module(x)"
            )
        if "forward" in vars(each):
            raise InputError(
                f"{part} has a forward() of its own, which may compute something else; "
                "expected that of its class: delete the attribute"
            )
        hooks = [*each._forward_pre_hooks.values(), *each._forward_hooks.values()]
        if hooks:
            names = (getattr(hook, "__name__", type(hook).__name__) for hook in hooks)
            raise InputError(
                f"{part} has the hooks {', '.join(names)}, which may change what it computes; "
                "expected none: use torch.nn.utils.remove_weight_norm, remove_spectral_norm or "
                "prune.remove, which keep the present weights, or the remove() of what "
                "register_forward_hook returned"
            )


def _compiled(part: Part) -> InputError:
    whose = f"module.get_submodule({part.place!r})" if part.place else "module"
    todo = "put {} in its place" if part.place else "pass {}"
    return InputError(
        f"{part} was made by torch.compile; expected the module that it compiles: "
        f"{todo.format(f'{whose}._orig_mod')}"
    )


def _is_lazy(module: Any) -> bool:
    tell = getattr(module, "has_uninitialized_params", None)
    return tell is not None and bool(tell())


def check_dtypes(module: Any) -> None:
    """Refuse parameters of several dtypes, on which PyTorch refuses to compute as well.

    Raises
    ------
    InputError
    """
    first: dict[str, str] = {}
    for name, x in [*module.named_parameters(), *module.named_buffers()]:
        if x.is_floating_point():
            first.setdefault(dtype_name(x), name)
    if len(first) > 1:
        each = ", ".join(f"{name} is {dtype}" for dtype, name in first.items())
        raise InputError(
            f"the module's parameters have several dtypes ({each}); expected one: use "
            "module.float(), or pass dtype='float32'"
        )


def parts_of(part: Part) -> Iterator[Part]:
    """Yield the modules of a ``Sequential`` in order, nested ones included, but no Identity."""
    if part.kind == "Identity":
        return
    if part.kind != "Equations" and not _is_sequence(part.module):
        yield part
        return
    yield from inside(part)


def inside(part: Part) -> Iterator[Part]:
    """Yield the modules that a part consists of."""
    for name, child in part.module._modules.items():  # children() leaves repeated ones out
        yield from parts_of(Part(f"{part.place}.{name}".removeprefix("."), child))


def _is_sequence(module: Any) -> bool:
    """Whether it is a ``Sequential``, or a subclass that has no forward of its own."""
    made: Any = type(module)
    for each in made.__mro__:
        if (each.__module__, each.__name__) == ("torch.nn.modules.container", "Sequential"):
            return bool(made.forward is each.forward)
    return False
