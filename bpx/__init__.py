"""bpx: the equations of backpropagation, written once, on any array library.

>>> import bpx
>>> net = bpx.Network([784, 30, 10], seed=0)

The backend is chosen by ``BPX_BACKEND``, `bpx.use`, or an argument. Importing bpx imports
no array library but NumPy, which the host's own rooms use.
"""

from bpx import activations, costs, data, feedback, initializers, inspect, privacy, random
from bpx.activations import Elementwise, Rowwise
from bpx.backend import namespace
from bpx.costs import Cost, Pair
from bpx.errors import (
    BackendError,
    BpxError,
    CheckError,
    DivergenceError,
    FileFormatError,
    InputError,
    MixedArraysError,
    RecordingError,
)
from bpx.evaluation import Evaluation
from bpx.initializers import Initializer
from bpx.loading import load
from bpx.network import Network
from bpx.optimizers import SGD, Adam
from bpx.passes import Trace, backprop, forward
from bpx.probe import HealthProbe
from bpx.records import Epoch, History, Progress
from bpx.selection import BackendInfo, Home, backends, set_default, use
from bpx.spec import Gradients, Layer, Parameters, Spec
from bpx.training import train
from bpx.transfer import asarray, move_to, to_host

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "BackendError",
    "BackendInfo",
    "BpxError",
    "CheckError",
    "Cost",
    "DivergenceError",
    "Elementwise",
    "Epoch",
    "Evaluation",
    "FileFormatError",
    "Gradients",
    "HealthProbe",
    "History",
    "Home",
    "Initializer",
    "InputError",
    "Layer",
    "MixedArraysError",
    "Network",
    "Pair",
    "Parameters",
    "Progress",
    "RecordingError",
    "Rowwise",
    "Spec",
    "Trace",
    "activations",
    "asarray",
    "backends",
    "backprop",
    "costs",
    "data",
    "feedback",
    "forward",
    "initializers",
    "inspect",
    "load",
    "move_to",
    "namespace",
    "privacy",
    "random",
    "set_default",
    "to_host",
    "train",
    "use",
]
