"""The modules in a Sequential, and those that compute something else than they show."""

import pytest

import bpx

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

from torch.nn.utils import prune  # noqa: E402

from bpx.interop.modules import read  # noqa: E402
from bpx.interop.parts import Part, check_dtypes, inside, parts_of  # noqa: E402


def test_the_order_and_the_places_of_parts():
    linear, tanh = nn.Linear(2, 2), nn.Tanh()
    module = nn.Sequential(nn.Identity(), nn.Sequential(linear, tanh), tanh)
    expected = [("1.0", linear), ("1.1", tanh), ("2", tanh)]
    assert [tuple(each) for each in parts_of(Part("", module))] == expected
    assert [each.place for each in inside(Part("3", module))] == ["3.1.0", "3.1.1", "3.2"]


def doubled(module, inputs, output):
    return 2.0 * output


def test_a_forward_that_was_replaced_is_refused():
    model = nn.Sequential(nn.Linear(3, 2))
    model[0].forward = lambda x: x[:, :2]
    with pytest.raises(bpx.InputError, match=r"^0: Linear\(.*has a forward\(\) of its own"):
        read(model)
    del model[0].forward
    assert read(model)


def test_hooks_are_refused_wherever_they_are():
    """Their modules compute something else than their parameters say."""
    pruned = nn.Linear(2, 2)
    prune.l1_unstructured(pruned, "weight", amount=0.5)
    flat, inner, outer = nn.Flatten(), *(nn.Sequential(nn.Linear(2, 2)) for _ in range(2))
    for each in (flat, inner, outer):
        each.register_forward_hook(doubled)
    block = bpx.Residual([bpx.Dense(2, 2, "tanh")])
    residual = bpx.Network([block, bpx.Dense(2, 2, "identity")], seed=0).to_torch()
    residual[0][0].register_forward_pre_hook(doubled)
    said = {
        r"0: Linear\(.*has the hooks L1Unstructured, .*prune.remove": nn.Sequential(pruned),
        r"0: Flatten\(.*doubled": nn.Sequential(flat, nn.Linear(2, 2)),
        r"1: Sequential\(.*doubled": nn.Sequential(nn.Linear(2, 2), inner),
        r"^Sequential\(.*doubled": outer,
        r"0\.0: Linear\(.*doubled": residual,
    }
    for message, module in said.items():
        with pytest.raises(bpx.InputError, match=message):
            read(module)
    prune.remove(pruned, "weight")
    assert read(nn.Sequential(pruned))[0].layer == bpx.Dense(2, 2, "identity")


def test_the_place_of_a_part():
    assert str(Part("2.0", nn.Dropout(0.5))) == "2.0: Dropout(p=0.5, inplace=False)"
    assert str(Part("", nn.Dropout(0.5))) == "Dropout(p=0.5, inplace=False)"


def compiled(module):
    return torch.compile(module, backend="eager")


def test_a_compiled_module_is_refused_for_the_one_that_it_compiles():
    plain = nn.Sequential(nn.Linear(2, 2))
    said = r"^OptimizedModule\(\) was made by torch.compile; .*: pass module\._orig_mod$"
    with pytest.raises(bpx.InputError, match=said):
        read(compiled(plain))
    assert read(compiled(plain)._orig_mod)
    module = nn.Sequential(compiled(plain[0]))
    said = r"^0: OptimizedModule.*: put module\.get_submodule\('0'\)\._orig_mod in its place$"
    with pytest.raises(bpx.InputError, match=said):
        read(module)
    module[0] = module.get_submodule("0")._orig_mod
    assert read(module)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_lazy_module_is_read_once_it_has_been_called():
    module = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d(), nn.Linear(3, 2))
    with pytest.raises(bpx.InputError, match=r"^0: LazyLinear\(.*call it on samples once, mod"):
        read(module)
    module(torch.ones(4, 5))
    assert read(module)[0].layer == bpx.Dense(5, 3, "identity")


def test_several_dtypes():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2).double(), nn.Linear(2, 1))
    said = (
        r"several dtypes \(0\.weight is float32, 1\.weight is float64\); .* module\.float\(\)"
    )
    with pytest.raises(bpx.InputError, match=said):
        check_dtypes(module)
    check_dtypes(module.float())  # with the whole numbers that a BatchNorm1d counts
    module[1].running_mean = module[1].running_mean.double()
    with pytest.raises(bpx.InputError, match=r"1\.running_mean is float64"):
        check_dtypes(module)
