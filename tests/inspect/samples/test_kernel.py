"""The neural tangent kernel against torch.func's Jacobians."""

import numpy as np
import pytest

import bpx
from bpx.inspect import gradient_norms, neural_tangent_kernel, output_traces
from tests.backends import host
from tests.inspect.samples.test_gradients import NETWORKS
from tests.peers import Twin, close, random_network, random_samples


def jacobian(net, x):
    """dz^L_j of each sample by all parameters, shape (n, k_L, parameters)."""
    twin = Twin(net)
    one = twin.torch.func.jacrev(twin.logits)
    each = twin.torch.func.vmap(one, (None, 0))(twin.parameters, twin.tensor(x))
    return np.concatenate([j.reshape(*j.shape[:2], -1).numpy() for j in each], axis=2)


@pytest.mark.parametrize("name", NETWORKS)
def test_against_jacobians(name):
    net = random_network(*NETWORKS[name])
    (x, _), (x_other, _) = random_samples(net), random_samples(net, 4, seed=5)
    left, right = jacobian(net, x), jacobian(net, x_other)
    trace, other = net.forward(x), net.forward(x_other)
    given = net.spec, net.parameters, trace
    close(neural_tangent_kernel(*given), np.einsum("nip,mjp->nmij", left, left))
    expected = np.einsum("nip,mjp->nmij", left, right)
    close(neural_tangent_kernel(*given, other), expected)
    diagonal = np.einsum("nmii->nmi", expected)
    close(neural_tangent_kernel(*given, other, outputs="each"), diagonal)
    close(neural_tangent_kernel(*given, other, outputs="mean"), diagonal.mean(axis=2))


def test_output_traces_are_traces():
    net = random_network(*NETWORKS["softmax"])
    x, _ = random_samples(net)
    norms = np.linalg.norm(jacobian(net, x), axis=2)
    traces = output_traces(net.spec, net.parameters, net.forward(x))
    for j, trace in enumerate(traces):
        close(gradient_norms(trace), norms[:, j])
    assert j == net.sizes[-1] - 1


def test_on_every_backend(target):
    net = random_network(*NETWORKS["softmax"], target=target)
    x, _ = random_samples(net)
    found = neural_tangent_kernel(
        net.spec, net.parameters, net.forward(target.asarray(x, "float64"))
    )
    there = random_network(*NETWORKS["softmax"])
    expected = neural_tangent_kernel(there.spec, there.parameters, there.forward(x))
    assert net.home.owns(found)
    np.testing.assert_allclose(host(found), expected, rtol=1e-10)


def test_refuses_other_outputs():
    net = random_network([3, 2])
    trace = net.forward(np.ones((1, 3)))
    with pytest.raises(
        bpx.InputError, match="outputs='trace' was given; expected one of 'all'"
    ):
        neural_tangent_kernel(net.spec, net.parameters, trace, outputs="trace")
