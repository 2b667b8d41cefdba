"""`from_onnx`: a network out of an ONNX model."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from bpx._files import expanded
from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import Dtype
from bpx.arrays.home import Home, select
from bpx.costs import Choice, Cost, CostName
from bpx.errors import FileFormatError, InputError, MissingFileError, option
from bpx.model.parameters import Parameters
from bpx.network import Network, notes
from bpx_backends import BackendName

__all__ = ["from_onnx"]


def from_onnx(
    model: Any,
    *,
    output: ActivationName | Activation | None = None,
    cost: CostName | Cost | Choice | None = None,
    custom: Mapping[str, Any] | None = None,
    backend: BackendName | str | None = None,
    dtype: Dtype | None = None,
) -> Network:
    """Make a network from an ONNX model whose nodes are layers that bpx has.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        The file, its content, or the model.
    output : str or Activation, optional
        The activation of the last layer, for a model that ends with the logits since its loss
        contains the activation: ``"softmax"`` after PyTorch's ``CrossEntropyLoss``,
        ``"sigmoid"`` after ``BCEWithLogitsLoss``. By default the model's own.
    cost : str or Cost, optional
        Other programs' models have none. By default the cross-entropy after a softmax or a
        sigmoid, and the quadratic cost after any other output.
    custom : mapping of str to Activation or Cost, optional
        Your own activations and cost, by name, for a network with such parts that bpx has
        exported.
    backend : str, optional
        The backend to load it onto, by default the same as for a new network.
    dtype : {"float32", "float64"}, optional
        By default that in which the model computes.

    Returns
    -------
    Network

    Raises
    ------
    MissingFileError
        If there is no such file.
    FileFormatError
        If it is no ONNX model, or has anything but such layers; the message names the node.
    InputError
        If `model` is something else, a custom part is missing, or the output or the cost is
        unknown, does not fit, or is in the file.
    BackendError
        If onnx is not installed, or the backend cannot be used.

    Notes
    -----
    What `Network.to_onnx` wrote comes back whole, with its schema, but for its feedback. Of
    other models, it reads Gemm, or MatMul and Add, with the activations of bpx, whether they
    are one node or several; BatchNormalization, LayerNormalization and Dropout; and residual
    blocks that end with an Add. Of several outputs it takes the one that is no label. A file
    may come from a stranger: nothing in it is run, and no other file is read.

    Examples
    --------
    >>> net = bpx.Network([4, 3, 2], hidden="gelu_tanh", norm="layer", seed=0)
    >>> bpx.from_onnx(net.to_onnx()).spec.layers == net.spec.layers
    True
    """
    from bpx.interop.onnx.own import read_own
    from bpx.interop.onnx.reading import read_model
    from bpx.interop.onnx.wire import parsed

    label = f"{model}" if isinstance(model, str | Path) else "the model"
    model = parsed(_content(model), label)
    own = read_own(model, label, custom or {})
    if own is None:
        spec, parameters = read_model(model, label, cost, output)
        return Network.from_arrays(spec, parameters, _home(backend, dtype, parameters))
    for name, given in {"output": output, "cost": cost}.items():
        if given is not None:
            raise InputError(
                f"{option(name, given)} was given, but {label} names its {name}; omit it"
            )
    home = _home(backend, dtype, own.parameters)
    network = Network.from_arrays(own.spec, own.parameters, home, own.described["seed"])
    network.schema, network.mechanisms = own.schema, notes.mechanisms(own.described)
    return network


def _home(backend: str | None, dtype: Any, parameters: Parameters) -> Home:
    return select(backend, dtype or str(parameters.like.dtype))


def _content(model: Any) -> bytes:
    if isinstance(model, bytes):
        return model
    if hasattr(model, "SerializeToString"):  # it may be of a stranger, too
        content: bytes = model.SerializeToString()
        return content
    if not isinstance(model, str | PathLike):
        raise InputError(_no_model(model))
    path = expanded(model)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file {path}; expected an ONNX model") from error
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error.strerror or error}") from error


def _no_model(given: Any) -> str:
    made = type(given)
    # Of the class: PyTorch's ONNXProgram makes a model when its attribute is read.
    advice = ": pass its model_proto" if hasattr(made, "model_proto") else ""
    return (
        f"a {made.__module__}.{made.__qualname__} was given; expected a path, the bytes of a "
        f"file, or an onnx.ModelProto{advice}"
    )
