"""The errors of bpx: one small family.

Every message says what was given, what was expected, and what to do.
Each class also derives from the built-in error that a caller would expect, so that
``except ValueError`` keeps working.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "BackendError",
    "BpxError",
    "CheckError",
    "DataWarning",
    "DivergenceError",
    "FileFormatError",
    "InputError",
    "MissingFileError",
    "MixedArraysError",
    "Preempted",
    "RecordingError",
    "advice",
    "at_the_prompt",
    "nearest",
    "option",
    "warn",
]

_PROMPT: ContextVar[Mapping[str, str] | None] = ContextVar("bpx_prompt", default=None)


class BpxError(Exception):
    """Any error that bpx raises on purpose."""


class InputError(BpxError, ValueError):
    """An argument, a shape, a label or a name that cannot be used."""


class FileFormatError(InputError):
    """A file that is truncated, foreign, or not what it declares to be."""


class MissingFileError(InputError, FileNotFoundError):
    """A path at which there is no file."""


class BackendError(BpxError, RuntimeError):
    """A backend that is unknown, not installed, or has no usable device."""


class MixedArraysError(BpxError, TypeError):
    """Arrays of different libraries, devices or dtypes in one computation."""


class CheckError(BpxError, AssertionError):
    """A wrong formula that `bpx.inspect.check` found.

    Attributes
    ----------
    equation : str
        The first equation that is wrong, such as "sigma'" or "BP2".
    layer : int or None
        Its layer, counted from 1; None for a part outside any layer.
    deviation : float or None
        The largest relative deviation; None if the error is not numerical.
    """

    def __init__(
        self, message: str, equation: str, layer: int | None, deviation: float | None
    ) -> None:
        super().__init__(message, equation, layer, deviation)
        self.equation = equation
        self.layer = layer
        self.deviation = deviation

    def __str__(self) -> str:
        return str(self.args[0])


class DivergenceError(BpxError, ArithmeticError):
    """The cost or the weights became non-finite in training.

    Attributes
    ----------
    epoch : int
        The epoch, counted from 1, in which it happened.
    step : int or None
        The step within that epoch, counted from 1; None if the cost of each step was finite,
        but the weights or the sum of the costs were not.
    layer : int or None
        The first layer, counted from 1 (the inputs are layer 0), with a non-finite value;
        the last layer if only the cost is non-finite; None if only the sum of the costs is.
    """

    def __init__(self, message: str, epoch: int, step: int | None, layer: int | None) -> None:
        super().__init__(message, epoch, step, layer)
        self.epoch = epoch
        self.step = step
        self.layer = layer

    def __str__(self) -> str:
        return str(self.args[0])


class Preempted(SystemExit):
    """A run ended because a signal asked it to: it can be continued from its last checkpoint.

    It is raised in training with a `checkpoint` folder, after SIGTERM or SIGUSR1. If nobody
    catches it, the process ends with the exit code 75, with which a batch script can have
    itself queued again (``EX_TEMPFAIL``).

    Attributes
    ----------
    folder : str
        The run's folder.
    """

    def __init__(self, message: str, folder: str) -> None:
        super().__init__(message)
        self.code = 75
        self.folder = folder

    def __str__(self) -> str:
        return str(self.args[0])


class DataWarning(UserWarning):
    """Samples that can be used but may not be what you meant."""


class RecordingError(BpxError, TypeError):
    """An operation that cannot be recorded, or a read of a value during recording."""


def warn(message: str) -> None:
    """Issue a `DataWarning` that points at the line outside bpx that made the call."""
    import sys
    import warnings
    from pathlib import Path

    own, level = str(Path(__file__).parent), 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(own):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, DataWarning, stacklevel=level)


_ELSEWHERE = {
    # activations
    "swish": ("silu",),
    "linear": ("identity",),
    "none": ("identity",),
    "logistic": ("sigmoid",),
    "exp": ("exponential",),
    # costs and metrics
    "mse": ("quadratic", "rmse"),
    "meansquarederror": ("quadratic", "rmse"),
    "squarederror": ("quadratic", "rmse"),
    "l2": ("quadratic", "rmse"),
    "rootmeansquarederror": ("rmse",),
    "meanabsoluteerror": ("mae",),
    "absoluteerror": ("mae",),
    "l1": ("mae",),
    "smoothl1": ("huber",),
    "pinball": ("quantile",),
    "bce": ("binary_cross_entropy", "log_loss"),
    "bcewithlogits": ("binary_cross_entropy", "log_loss"),
    "sparsecategoricalcrossentropy": ("categorical_cross_entropy", "log_loss"),
    "categoricalcrossentropy": ("categorical_cross_entropy", "log_loss"),
    "binarycrossentropy": ("binary_cross_entropy", "log_loss"),
    "crossentropy": ("cross_entropy", "log_loss"),
    "nll": ("cross_entropy", "log_loss"),
    "poissonnll": ("poisson",),
    "kld": ("kl_divergence",),
    "kldiv": ("kl_divergence",),
    "acc": ("accuracy",),
    "valacc": ("accuracy",),
    "valaccuracy": ("accuracy",),
    "loss": ("cost",),
    "valloss": ("cost",),
    "auc": ("roc_auc",),
    "brierscore": ("brier",),
    "r2score": ("r2",),
    # initializers
    "xaviernormal": ("glorot_normal",),
    "xavieruniform": ("glorot_uniform",),
    "kaimingnormal": ("he_normal",),
    "kaiminguniform": ("he_uniform",),
    # an optimizer's numbers
    "lr": ("eta",),
    "learningrate": ("eta",),
    "betas": ("beta1", "beta"),
    "rho": ("beta",),
    "eps": ("epsilon",),
    "weightdecay": ("decay",),
    # dtypes and norms
    "float": ("float32",),
    "double": ("float64",),
    "float16": ("float32",),
    "half": ("float32",),
    "bfloat16": ("float32",),
    "layernorm": ("layer",),
    "layernormalization": ("layer",),
    "batchnorm": ("batch",),
    "batchnormalization": ("batch",),
}
"""What Keras, PyTorch and scikit-learn call something, and what bpx may call the same."""


def nearest(name: str, names: Iterable[str], alike: float = 0.6) -> str:
    """Return a hint at the name that is meant, or "" if none is close.

    It is the one of `names` that other libraries call so, or else the closest spelling, if it
    is as much alike as difflib's ratio says.
    """
    from difflib import get_close_matches

    given = {each.lower(): each for each in names}
    spelt = "".join(filter(str.isalnum, name.lower()))
    there = _ELSEWHERE.get(spelt) or _ELSEWHERE.get(spelt.removesuffix("loss"), ())
    begun = [each for each in there if each in given]
    begun += [each for each in given if name and each.startswith(name.lower())]
    close = begun or get_close_matches(name.lower(), given, 1, alike)
    return f" (did you mean {given[close[0]]!r}?)" if close else ""


@contextmanager
def at_the_prompt(flags: Mapping[str, str] | None) -> Iterator[None]:
    """Word the messages inside the block for a command line instead of for Python.

    Parameters
    ----------
    flags : mapping of str to str
        The spelling of each argument at the prompt that is not simply ``--`` and its name:
        ``{"folder": "--data", "mirror": "BPX_MIRROR"}``. None switches back to Python, for
        user code that a command runs.
    """
    token = _PROMPT.set(flags)
    try:
        yield
    finally:
        _PROMPT.reset(token)


def advice(in_python: str, at_the_prompt: str) -> str:
    """Return the sentence for Python or the one for the prompt, whichever the user is at."""
    return in_python if _PROMPT.get() is None else at_the_prompt


def option(name: str, value: Any) -> str:
    """Return an argument with its value as the user types it, in Python or at the prompt.

    ``option("header", True)`` is ``header=True`` in Python and ``--header`` at the prompt.
    There, False is ``--no-header``, and other values follow the flag: ``--target species``.
    """
    flags = _PROMPT.get()
    if flags is None:
        return f"{name}={value!r}"
    flag = flags.get(name, f"--{name.replace('_', '-')}")
    if not flag.startswith("--"):
        return f"{flag}={value}"
    if value is True:
        return flag
    if value is False:
        return f"--no-{flag.removeprefix('--')}"
    return f"{flag} {_quoted(value)}"


def _quoted(value: Any) -> str:
    from shlex import quote

    return quote(",".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
