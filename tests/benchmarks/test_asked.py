"""What is asked of bpx, and what is answered."""

from benchmarks import asked


def test_what_is_asked_is_answered():
    times = {"bpx numpy": [10.0, 20.0], "PyTorch eager": [30.0, 40.0]}
    found = list(asked.answers("cpu", {"S": {"microseconds": times}}))
    assert len(found) == len(asked.ASKED) * len(asked.CASES)
    shown = asked.show(found)
    about = "numpy alone against PyTorch eager, CPU | S | 3.50"
    assert f"| {about} | 2.33 | 2.50 [2.00, 3.00] | 3.00 | no |" in shown
    assert "| cupy against PyTorch eager, GPU | S | 5.00 | not measured |  |  |  |" in shown


def test_what_is_asked_of_a_gpu_is_not_answered_by_a_cpu():
    times = {"bpx cupy": [1.0], "PyTorch eager": [6.0], "bpx torch": [1.0]}
    measured = {
        device: [
            each["what"]
            for each in asked.answers(device, {"S": {"microseconds": times}})
            if each["met"]
        ]
        for device in ("cpu", "cuda")
    }
    assert measured == {
        "cpu": ["torch against PyTorch eager"],
        "cuda": ["cupy against PyTorch eager"],
    }
