"""The contents of a network's file, with other arrays than the network's own."""

from bpx.network.packing import packed
from tests.training.small import network


def test_it_is_what_save_writes_or_would_write(tmp_path):
    net, other = network(feedback="fa"), network(feedback="fa")
    net.parameters = [2.0 * w for w in net.weights], net.biases
    net.save(tmp_path / "net")
    assert packed(net, net.parameters, net.feedback) == (tmp_path / "net").read_bytes()
    assert packed(other, net.parameters, net.feedback) == (tmp_path / "net").read_bytes()
    assert packed(other, other.parameters, net.feedback) != (tmp_path / "net").read_bytes()
