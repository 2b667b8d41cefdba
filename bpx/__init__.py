"""bpx: the equations of backpropagation, written once, on any array library.

>>> import bpx
>>> net = bpx.Network([784, 30, 10], seed=0)

The backend is chosen by ``BPX_BACKEND``, `bpx.use`, or an argument. Importing bpx imports
no array library but NumPy, which the host modules use. Parts that training does not
need, such as `bpx.data` and most of `bpx.inspect`, are imported on first use.
"""

from typing import TYPE_CHECKING, TypeAlias

from bpx import (
    _lazy,
    activations,
    costs,
    feedback,
    initializers,
    inspect,
    layers,
    metrics,
    optim,
    privacy,
    random,
)
from bpx._typing import Array
from bpx.activations import Elementwise, Rowwise
from bpx.arrays.choice import Dtype as _Dtype
from bpx.arrays.choice import set_default, use
from bpx.arrays.home import BackendInfo, Home, backends
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import asarray, move_to, to_host
from bpx.costs import Cost, Pair
from bpx.errors import (
    BackendError,
    BpxError,
    CheckError,
    DataWarning,
    DivergenceError,
    FileFormatError,
    InputError,
    MissingFileError,
    MixedArraysError,
    Preempted,
    RecordingError,
)
from bpx.initializers import Initializer
from bpx.inspect.health.probe import HealthProbe
from bpx.interop.onnx.load import from_onnx
from bpx.interop.torch import from_torch
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.embedding import Embedding
from bpx.layers.layer_norm import LayerNorm
from bpx.layers.periodic import Periodic
from bpx.layers.residual import Residual
from bpx.model.evaluate import Evaluation
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import backprop, forward
from bpx.model.spec import Spec
from bpx.model.trace import Backward, Forward, Trace
from bpx.model.view import LayerView
from bpx.model.weights import ClassWeight as _ClassWeight
from bpx.network import Network
from bpx.network.learning_rates import LearningRateRange, learning_rate_range
from bpx.network.load import load
from bpx.network.resume import resume
from bpx.network.seeds import Band, Seeds, seeds
from bpx.network.train import train
from bpx.network.trainer import StepResult, Trainer
from bpx.network.training import Training
from bpx.optim.chain import Optimizer
from bpx.optim.optimizers import SGD, Adam, AdamW
from bpx.program.contract import Precision as _Precision
from bpx.training.logs import CSVLog, JSONLog
from bpx.training.observers import Observer
from bpx.training.records import Epoch, History, Progress, Stopped
from bpx.training.snapshot import TrainingState
from bpx.training.stopping import EarlyStopping
from bpx.training.tensorboard import TensorBoard
from bpx_backends import BackendName as _BackendName

if TYPE_CHECKING:
    from bpx import data, testing
    from bpx import sklearn as sklearn  # not in __all__: `import *` needs no scikit-learn
else:
    __getattr__, __dir__ = _lazy.submodules(__name__, ("data", "sklearn", "testing"))

__version__ = "0.1.0"

BackendName: TypeAlias = _BackendName
"""The names of bpx's own backends, and ``auto``. A name with a device is a plain string."""
ClassWeight: TypeAlias = _ClassWeight
"""``"balanced"``, or the weight of each class, by its label or its name in the schema."""
Dtype: TypeAlias = _Dtype
"""The dtypes in which parameters can be stored."""
Precision: TypeAlias = _Precision
"""The precisions in which bpx's own engines can compute matrix products."""

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Array",
    "BackendError",
    "BackendInfo",
    "BackendName",
    "Backward",
    "Band",
    "BatchNorm",
    "BpxError",
    "CSVLog",
    "CheckError",
    "ClassWeight",
    "Cost",
    "DataWarning",
    "Dense",
    "DivergenceError",
    "Dropout",
    "Dtype",
    "EarlyStopping",
    "Elementwise",
    "Embedding",
    "Epoch",
    "Evaluation",
    "FileFormatError",
    "Forward",
    "Gradients",
    "HealthProbe",
    "History",
    "Home",
    "Initializer",
    "InputError",
    "JSONLog",
    "LayerNorm",
    "LayerView",
    "LearningRateRange",
    "MissingFileError",
    "MixedArraysError",
    "Network",
    "Observer",
    "Optimizer",
    "Pair",
    "Parameters",
    "Periodic",
    "Precision",
    "Preempted",
    "Progress",
    "RecordingError",
    "Residual",
    "Rowwise",
    "Seeds",
    "Spec",
    "StepResult",
    "Stopped",
    "TensorBoard",
    "Trace",
    "Trainer",
    "Training",
    "TrainingState",
    "activations",
    "asarray",
    "backends",
    "backprop",
    "costs",
    "data",
    "feedback",
    "forward",
    "from_onnx",
    "from_torch",
    "initializers",
    "inspect",
    "layers",
    "learning_rate_range",
    "load",
    "metrics",
    "move_to",
    "namespace",
    "optim",
    "privacy",
    "random",
    "resume",
    "seeds",
    "set_default",
    "testing",
    "to_host",
    "train",
    "use",
]
