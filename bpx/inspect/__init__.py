"""What a trace tells: each file a subject, each function pure, from a trace to arrays.

As z, a and delta of every layer and every sample are plain arrays, what other libraries
need hooks or further passes for is arithmetic here, exact and on every backend.
"""

from typing import TYPE_CHECKING

from bpx import _lazy

if TYPE_CHECKING:
    from bpx.inspect.names import *  # noqa: F403
else:
    __getattr__, __dir__ = _lazy.names_of(__name__, "bpx.inspect.names")
