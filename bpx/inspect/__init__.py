"""Quantities computed from a trace: pure functions of its arrays, in one file per subject.

A trace has z, a and delta of every layer and every sample as plain arrays. So quantities for
which other libraries need hooks or further passes are arithmetic here, exact and on every
backend.
"""

from typing import TYPE_CHECKING

from bpx import _lazy

if TYPE_CHECKING:
    from bpx.inspect.names import *  # noqa: F403
else:
    __getattr__, __dir__ = _lazy.names_of(__name__, "bpx.inspect.names")
