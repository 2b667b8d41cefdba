"""``run.toml``, in which people read what reproduces a run."""

from collections.abc import Mapping
from logging import getLogger
from numbers import Real
from typing import Any

from bpx._files import write_atomically
from bpx.errors import InputError
from bpx.io.parsing import parsed_toml
from bpx.io.runs import SETTINGS, Run
from bpx.io.toml import dumps
from bpx.network.packing import Packed
from bpx.network.resuming import fingerprint
from bpx.network.resuming.machine import machine
from bpx.training.loop import Loop

__all__ = ["change", "write"]

_log = getLogger("bpx")


def write(
    run: Run, loop: Loop, network: Packed, given: Mapping[str, Any], more: Mapping[str, Any]
) -> None:
    """Write the settings of a run that begins.

    Parameters
    ----------
    run, loop, network
    given : mapping of str
        The settings to show; one that is no number or text is shown as its repr.
    more : mapping of str
        The run's own name, ``run``, and the fingerprints of its ``samples``.
    """
    spec = network.spec
    samples = {name: fingerprint.shown(each) for name, each in more["samples"].items()}
    tree = {
        "run": more["run"],
        "training": {
            "epochs": loop.job.epochs,
            "seed": loop.course.seed,
            **{name: _plain(value) for name, value in given.items()},
            "metrics": [metric.name for metric in loop.job.metrics],
        },
        "network": {
            "sizes": list(spec.sizes),
            "layers": [layer.kind for layer in spec.layers],
            "activations": [layer.activation.name for layer in spec.dense],
            "cost": spec.cost.name,
            "feedback": spec.feedback.name,
            "seed": network.seed,
        },
        "fingerprints": samples,
        "machine": machine(loop.job.home),
    }
    _replace(run, tree)


def change(run: Run, training: Mapping[str, Any]) -> None:
    """Change settings of the training of a run that is continued; if it fails, say so."""
    try:
        tree = parsed_toml((run.path / SETTINGS).read_text(encoding="utf-8"))
        tree["training"].update(training)
        _replace(run, tree)
    except FileNotFoundError:
        _log.warning("%s is missing; the run is continued without it", run.path / SETTINGS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        names = " and ".join(training)
        _log.warning("%s still has the earlier %s: %s", run.path / SETTINGS, names, error)


def _replace(run: Run, tree: Mapping[str, Any]) -> None:
    with write_atomically(run.path / SETTINGS) as file:
        file.write(dumps(tree).encode())


def _plain(value: Any) -> Any:
    plain = value is None or isinstance(value, Real | str)
    return value if plain else repr(value)
