"""From a network to the text of its file in C: the arguments, checked, and the source."""

from typing import TYPE_CHECKING, Any, get_args

from bpx._validate import flag, number, whole
from bpx.arrays.host import check_seed
from bpx.arrays.transfer import to_host
from bpx.errors import InputError, advice, option
from bpx.export.c.programs import Recorded, Rule, Targets, on_host, training
from bpx.export.c.source import Source
from bpx.export.c.text import sanitised
from bpx.export.texts import check_texts
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["converted"]


def converted(
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Any, ...],
    schema: "Schema | None",
    *,
    name: str,
    batch_size: int,
    train: bool,
    optimizer: Any,
    penalty: float,
    targets: str | None,
    seed: int | None,
) -> str:
    """Return the file; the arguments are those of `Network.to_c`.

    Raises
    ------
    InputError
    RecordingError
    """
    _check_name(name)
    if schema is not None:
        check_texts(schema)
    n = whole("batch_size", batch_size, 1, None, "a whole number of at least 1")
    rule = _rule(spec, flag("training", train), optimizer, penalty, targets, seed)
    held = on_host(parameters)
    recorded: Recorded | None = None
    if rule is not None:
        recorded = training(spec, held, tuple(map(to_host, feedback)), n, rule)
    return Source(spec, held, schema, name, n, recorded).text()


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or sanitised(name, set()) != name:
        near = sanitised(name, set()) if isinstance(name, str) else "model"
        raise InputError(
            f"{option('name', name)} was given; expected a name in C, of letters, digits and "
            f"underscores, such as {near!r}"
        )


def _rule(
    spec: Spec,
    train: bool,
    optimizer: Any,
    penalty: float,
    targets: str | None,
    seed: int | None,
) -> Rule | None:
    """Return what the training step does; None without one."""
    given = {
        "optimizer": optimizer,
        "targets": targets,
        "seed": seed,
        "penalty": penalty or None,
    }
    if not train:
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    f"{option(name, value)} was given without {option('training', True)}; "
                    "pass both, or neither"
                )
        return None
    if optimizer is None:
        raise InputError(
            f"{option('training', True)} was given without an optimizer; expected one, such as "
            + advice("optimizer=bpx.Adam()", "--optimizer adam")
        )
    rate = number("penalty", penalty, "a number of at least 0", lambda v: v >= 0.0)
    return Rule(optimizer, rate, check_seed(seed), _targets(spec, targets))


def _targets(spec: Spec, targets: Any) -> Targets:
    several = spec.sizes[-1] > 1
    if targets is None:
        return "labels" if several else "numbers"
    if targets not in get_args(Targets) or (targets == "labels" and not several):
        one = "" if several else ", since a network with one output is given numbers, 0 and 1"
        expected = "'labels' or 'numbers'" if several else f"'numbers'{one}"
        raise InputError(f"targets={targets!r} was given; expected {expected}")
    found: Targets = targets
    return found
