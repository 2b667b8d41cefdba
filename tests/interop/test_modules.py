"""Which modules of PyTorch are layers of bpx, and what is said about the others."""

import pytest

import bpx

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

from bpx.interop.modules import read  # noqa: E402


def layers(*modules):
    return [each.layer for each in read(nn.Sequential(*modules))]


def test_nested_sequences_are_one():
    inner = nn.Sequential(nn.Identity(), nn.Linear(4, 3), nn.Identity(), nn.Tanh())
    assert layers(inner, nn.Sequential(nn.Sequential(nn.Linear(3, 2)))) == [
        bpx.Dense(4, 3, "tanh"),
        bpx.Dense(3, 2, "identity"),
    ]


def test_a_subclass_of_sequential_without_a_forward_of_its_own():
    class Plain(nn.Sequential):
        pass

    class Scaled(nn.Sequential):
        def forward(self, x):
            return 2.0 * super().forward(x)

    assert [each.layer for each in read(Plain(nn.Linear(2, 1)))] == [
        bpx.Dense(2, 1, "identity")
    ]
    with pytest.raises(bpx.InputError, match=r"no layer for 0: Scaled\(.*of your own"):
        layers(Scaled(nn.Linear(2, 1)))


def test_a_network_within_a_sequence():
    """What to_torch and torch_module made may be a part of a larger model."""
    block = bpx.Residual([bpx.Dense(4, 4, "exponential"), bpx.LayerNorm(4)])
    parts = [bpx.Dense(3, 4, "tanh"), block, bpx.Dense(4, 2, "softplus")]
    net = bpx.Network(parts, seed=0)
    for inner in (net.to_torch(), net.torch_module()):
        assert layers(inner, nn.Linear(2, 1)) == [*parts, bpx.Dense(2, 1, "identity")]


def test_a_single_linear():
    (found,) = read(nn.Linear(3, 2, bias=False))
    assert found.layer == bpx.Dense(3, 2, "identity", bias=False)
    assert found.arrays[0].keys() == {"w"}


def test_what_comes_before_the_first_linear():
    assert layers(nn.Flatten(), nn.Dropout(0.2), nn.Linear(3, 1))[0] == bpx.Dropout(3, 0.2)
    assert layers(nn.BatchNorm1d(3), nn.Linear(3, 1))[0] == bpx.BatchNorm(3)
    assert layers(nn.LayerNorm(3), nn.Linear(3, 1))[0] == bpx.LayerNorm(3)
    assert layers(nn.Dropout(0.2), nn.LayerNorm([3]), nn.Linear(3, 1))[0] == bpx.Dropout(3, 0.2)


def test_the_numbers_of_norms():
    norm, batch = nn.LayerNorm(3, eps=1e-3), nn.BatchNorm1d(3, eps=1e-4, momentum=0.3)
    assert layers(norm, batch, nn.Linear(3, 1))[:2] == [
        bpx.LayerNorm(3, epsilon=1e-3),
        bpx.BatchNorm(3, momentum=0.3, epsilon=1e-4),
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.Sigmoid(), "sigmoid"),
        (nn.Tanh(), "tanh"),
        (nn.ReLU(inplace=True), "relu"),
        (nn.LeakyReLU(), "leaky_relu"),
        (nn.ELU(), "elu"),
        (nn.Softplus(), "softplus"),
        (nn.GELU(approximate="tanh"), "gelu_tanh"),
        (nn.SiLU(), "silu"),
        (nn.Softmax(dim=1), "softmax"),
        (nn.Softmax(dim=-1), "softmax"),
    ],
)
def test_activations(module, name):
    assert layers(nn.Linear(3, 2), module) == [bpx.Dense(3, 2, name)]


REFUSED = {
    r"bpx has no layer for 0\.1: Conv1d\(1, 1, .*\); expected Linear": [
        nn.Sequential(nn.Linear(2, 2), nn.Conv1d(1, 1, 1))
    ],
    r"no layer for 1: Hardtanh\(": [nn.Linear(2, 2), nn.Hardtanh()],
    r"no layer for 1: Flatten\(": [nn.Linear(2, 2), nn.Flatten()],
    r"no layer for 0: Flatten\(": [nn.Flatten(0), nn.Linear(2, 2)],
    r"1: ReLU\(\) does not follow a Linear": [nn.LayerNorm(2), nn.ReLU(), nn.Linear(2, 2)],
    r"1: LeakyReLU\(negative_slope=0.2\) is not .* negative_slope=0.01": [
        nn.Linear(2, 2),
        nn.LeakyReLU(0.2),
    ],
    r"1: GELU\(.*approximate='none'\) is not .* approximate='tanh'": [
        nn.Linear(2, 2),
        nn.GELU(),
    ],
    r"1: ELU\(alpha=0.5\) is not": [nn.Linear(2, 2), nn.ELU(0.5)],
    r"1: Softplus\(beta=2.0, .*is not": [nn.Linear(2, 2), nn.Softplus(2.0)],
    r"1: Softplus\(beta=1.0, threshold=5.0": [nn.Linear(2, 2), nn.Softplus(threshold=5.0)],
    r"1: Softmax\(dim=0\) is not": [nn.Linear(2, 2), nn.Softmax(0)],
    r"1: LogSoftmax\(.*output='softmax', cost='cross_entropy'": [
        nn.Linear(2, 2),
        nn.LogSoftmax(-1),
    ],
    r"0: Dropout\(p=1.0, .*cannot be read: rate=1.0": [nn.Dropout(1.0), nn.Linear(2, 2)],
    r"0: LayerNorm\(\(2,\).*elementwise_affine=False.* learns both": [
        nn.LayerNorm(2, elementwise_affine=False),
        nn.Linear(2, 2),
    ],
    r"0: LayerNorm\(\(2,\), .*bias=False\) cannot be read": [
        nn.LayerNorm(2, bias=False),
        nn.Linear(2, 2),
    ],
    r"0: LayerNorm\(\(3, 2\).* over a single axis": [nn.LayerNorm((3, 2)), nn.Linear(2, 2)],
    r"0: LayerNorm\(\(1,\).*cannot be read: .*at least 2": [nn.LayerNorm(1), nn.Linear(1, 2)],
    r"0: BatchNorm1d\(.*momentum=None.*a number as momentum": [
        nn.BatchNorm1d(2, momentum=None),
        nn.Linear(2, 2),
    ],
    r"0: BatchNorm1d\(.*expected affine=True": [
        nn.BatchNorm1d(2, affine=False),
        nn.Linear(2, 2),
    ],
    r"0: BatchNorm1d\(.*track_running_stats=True": [
        nn.BatchNorm1d(2, track_running_stats=False),
        nn.Linear(2, 2),
    ],
    r"a Sequential without Linear was given; expected Linear": [nn.Dropout(0.5)],
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_refused(said):
    with pytest.raises(bpx.InputError, match=said):
        layers(*REFUSED[said])


def test_weights_that_are_computed_are_refused():
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with pytest.raises(bpx.InputError, match=r"0: .*Linear\(.*use .*remove_parametrizations"):
        layers(normed)


def test_a_norm_of_another_width_is_not_folded():
    norm = nn.BatchNorm1d(5)
    with pytest.raises(bpx.InputError, match=r"1: BatchNorm1d\(.*takes 5 .* given 4 by 0: Lin"):
        read(nn.Sequential(nn.Linear(3, 4), norm), fold=True)


def test_a_norm_before_the_activation_is_folded():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, eps=1e-2)
    linear = nn.Linear(3, 4, bias=False)
    model = nn.Sequential(linear, norm, nn.ReLU(), nn.Linear(4, 5), nn.BatchNorm1d(5)).double()
    model(3.0 + 2.0 * torch.randn(50, 3, dtype=torch.float64))
    with torch.no_grad():
        for each in norm.parameters():
            each.add_(torch.randn(4, dtype=torch.float64))
    one, other = read(model, fold=True)
    assert (one.layer, other.layer) == (bpx.Dense(3, 4, "relu"), bpx.Dense(4, 5, "identity"))
    x = torch.randn(6, 3, dtype=torch.float64)
    with torch.no_grad():
        a = torch.relu(x @ one.arrays[0]["w"].T + one.arrays[0]["b"])
        torch.testing.assert_close(a, model.eval()[:3](x))
        torch.testing.assert_close(a @ other.arrays[0]["w"].T + other.arrays[0]["b"], model(x))


def test_what_is_not_behind_a_linear_is_not_folded():
    parts = nn.BatchNorm1d(3), nn.Linear(3, 2), nn.Tanh(), nn.BatchNorm1d(2)
    found = read(nn.Sequential(*parts), fold=True)
    expected = [bpx.BatchNorm(3), bpx.Dense(3, 2, "tanh"), bpx.BatchNorm(2)]
    assert [each.layer for each in found] == expected


def test_a_class_of_ones_own_is_not_taken_for_pytorchs():
    class Linear(nn.Linear):
        def forward(self, x):
            return -super().forward(x)

    with pytest.raises(bpx.InputError, match=r"no layer for 0: Linear\(.*of your own"):
        layers(Linear(2, 2))
