"""`from_torch`: a network made of a PyTorch ``Sequential``."""

from collections.abc import Sequence
from typing import Any

from bpx._validate import flag
from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import DTYPES, Dtype
from bpx.arrays.home import Home, select
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import asarray
from bpx.costs import Choice, Cost, CostName
from bpx.errors import InputError
from bpx.interop.ends import ended, usual_cost
from bpx.interop.modules import Read, read
from bpx.interop.parts import Part, check_dtypes
from bpx.layers.dense import Dense
from bpx.layers.residual import Add
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, make_spec
from bpx.network import Network
from bpx_backends import BackendName

__all__ = ["from_torch"]


def from_torch(
    module: Any,
    *,
    output: ActivationName | Activation | None = None,
    cost: CostName | Cost | Choice | None = None,
    backend: BackendName | str | None = None,
    dtype: Dtype | None = None,
    fold: bool = False,
    share: bool = False,
) -> Network:
    """Make a network of a PyTorch ``Sequential``: its layers, and the values of its parameters.

    Parameters
    ----------
    module : torch.nn.Sequential
        Its modules, those of a ``Sequential`` within it included, may be ``Linear``, each with
        an activation behind it or none, ``Dropout``, ``LayerNorm`` and ``BatchNorm1d``, and a
        ``Flatten`` in front. What `Network.to_torch` and `Network.torch_module` make is read
        back whole.
    output : str or Activation, optional
        The activation of the last layer, for a module that ends with a ``Linear`` since its
        loss contains the activation: ``"softmax"`` with PyTorch's ``CrossEntropyLoss``,
        ``"sigmoid"`` with ``BCEWithLogitsLoss``. By default the module's own.
    cost : str or Cost, optional
        The cost, which no module has, as for `Network`. By default the cross-entropy after a
        softmax or a sigmoid, and the quadratic cost after any other output.
    backend : str, optional
        ``backend[:device]``; by default PyTorch, on the module's device.
    dtype : {"float32", "float64"}, optional
        By default that of the module's parameters.
    fold : bool, optional
        Whether a ``BatchNorm1d`` behind a ``Linear`` goes into its weights and biases. The
        network then computes what the module computes outside training, and trains without
        the norm. Use it for a norm between a ``Linear`` and its activation, or where the
        gradient of each sample is needed, which a norm over the batch prevents.
    share : bool, optional
        Whether the network's arrays are the module's own memory, on PyTorch or NumPy. The
        network then answers with what an optimizer of PyTorch has written last, and arrays
        that it handed out do not keep their values. A training by bpx gives the network new
        arrays, and leaves the module as it is. By default the values are copied.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If bpx has no such layer, which the message names with its place; if the module has
        hooks, parameters that are shared, of several dtypes or without values, or is compiled;
        or if the arguments do not fit it.
    BackendError
        If the backend cannot be used, or cannot hold the parameters.

    Notes
    -----
    Whether the module is in training or not does not matter: a network drops units, and moves
    the averages of a `BatchNorm`, in its own training alone.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> net = bpx.from_torch(model, output="softmax")
    >>> net.sizes, net.spec.cost.name
    ((4, 8, 3), 'categorical_cross_entropy')
    """
    if not hasattr(module, "named_modules"):
        raise InputError(
            f"a {type(module).__module__}.{type(module).__qualname__} was given; expected a "
            "torch.nn.Sequential"
        )
    share, fold = flag("share", share), flag("fold", fold)
    if share and fold:
        raise InputError(
            "share=True and fold=True were given, but folded weights are new ones; omit one"
        )
    found = read(module, fold=fold)
    if dtype is None:
        check_dtypes(module)
    _check_parameters(found)
    layers = _layers(found, output)
    spec = make_spec(layers, cost=usual_cost(layers) if cost is None else cost)
    first = next(x for each in found for arrays in each.arrays for x in arrays.values())
    home = select(backend or f"torch:{first.device}", dtype or _dtype(first))
    return _network(spec, found, home, share)


def _network(spec: Spec, found: Sequence[Read], home: Home, share: bool) -> Network:
    each = iter([arrays for part in found for arrays in part.arrays])
    parameters = Parameters(
        () if isinstance(layer, Add) else layer.entry(_detached(next(each)))
        for layer in spec.layers
    )
    network = Network.from_arrays(spec, parameters, home)
    if share:  # others may then write these arrays, as the caller asked
        network.publish(parameters.grown([_shared(x, home) for _, x in parameters.branches()]))
    return network


def _detached(arrays: dict[str, Any]) -> dict[str, Any]:
    return {field: x.detach() for field, x in arrays.items()}


def _shared(x: Any, home: Home) -> Any:
    return x if x is None else asarray(x, str(home), dtype=home.dtype, copy=False)


def _layers(found: Sequence[Read], output: Any) -> list[Any]:
    """Return the layers with the output's activation that the caller chose."""
    last = found[-1]
    if not isinstance(last.layer, Dense):
        raise InputError(
            f"{last.part} is the last module; expected a Linear, or its activation, which the "
            "cost needs"
        )
    return ended([each.layer for each in found], output, f"the last Linear, {last.part},")


def _check_parameters(found: Sequence[Read]) -> None:
    """Refuse parameters without values, and shared ones, which bpx's layers do not have."""
    places: dict[tuple[str, int], list[Part]] = {}
    for each in found:
        for arrays in each.arrays:
            for x in arrays.values():
                if x.device.type == "meta":
                    raise InputError(
                        f"{each.part} is on PyTorch's device 'meta', which holds no values; "
                        "expected a module with values: use module.to_empty(device='cpu') and "
                        "module.load_state_dict"
                    )
                # Not the tensors: w.data = v.data makes two of one memory.
                places.setdefault((str(x.device), x.data_ptr()), []).append(each.part)
    shared = next((parts for parts in places.values() if len(parts) > 1), None)
    if shared is not None:
        raise InputError(
            f"{shared[0]} and {shared[1]} share their parameters, and layers of bpx do not; "
            "expected parameters of their own, such as those of copy.deepcopy of one module"
        )


def _dtype(x: Any) -> Any:
    name = dtype_name(x)
    if name not in DTYPES:
        raise InputError(
            f"the module's parameters are {name}; expected {' or '.join(DTYPES)}: pass "
            "dtype='float32', or use module.float()"
        )
    return name
