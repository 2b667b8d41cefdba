"""A run's results as one Markdown document: what was measured, and what was not."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from benchmarks import asked, first_step, floor, inference, machine, memory, training
from benchmarks.cases import CASES
from benchmarks.report import heading

__all__ = ["SECTIONS", "markdown", "missing", "settings", "title"]

SECTIONS = {
    "training": training,
    "floor": floor,
    "inference": inference,
    "memory": memory,
    "first-step": first_step,
}
"""In the order of measurement. Each has ``measure(plan, results)``, which yields its parts by
name, and ``show(name, part)``, a part's table.
"""


def markdown(results: Mapping[str, Any]) -> str:
    """The document."""
    parts = [heading(title(results), results["environment"]), settings(results)]
    for name, section in SECTIONS.items():
        if name in results:
            parts += [f"### {section.TITLE}", *_tables(section, results[name])]
    if "training" in results:
        parts += ["### Targets", asked.show(results["asked"])]
    parts += ["### Not measured", "\n".join(f"- {each}" for each in missing(results))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def title(results: Mapping[str, Any]) -> str:
    """The title of the report, which names the machine."""
    facts = results["environment"]
    return f"Benchmarks on {facts.get('gpu') or facts['processor']}"


def settings(results: Mapping[str, Any]) -> str:
    """The settings of the run, in one paragraph."""
    chosen = results["settings"]
    products = "TF32" if chosen["tf32"] else "full float32, no TF32"
    text = (
        f"All in float32, the products in {products}. {chosen['repeats']} rounds by the "
        f"{chosen['clock']} clock, each measurement at least {chosen['window']:g} s. "
        f"{machine.told(results['threads'])}. BLAS: {results['blas']}. "
        "A ratio above 1 says that the engine at the head of its column is the faster one."
    )
    return text + (" bpx on JAX stays in full float32." if chosen["tf32"] else "")


def _tables(section: Any, parts: Mapping[str, Any]) -> Iterator[str]:
    for name, part in parts.items():
        yield section.show(name, part)


def missing(results: Mapping[str, Any]) -> Iterator[str]:
    """What this run did not measure, and why."""
    yield "on a GPU" if results["settings"]["device"] == "cpu" else "on a CPU"
    for name, section in SECTIONS.items():
        if name not in results:
            yield f"{section.TITLE.lower()}: not asked for"
    cases = [case for case in CASES if case not in results.get("training", CASES)]
    yield from (f"case {case}: not asked for" for case in cases)
    yield from (f"{peer}: {reason}" for peer, reason in results["left out"].items())
    for name, section in SECTIONS.items():
        for part, found in results.get(name, {}).items():
            for peer, reason in found.get("failed", {}).items():
                yield f"{section.TITLE.lower()}, {part}, {peer}: {reason}"
    if not find_spec("matplotlib"):
        yield "the picture: matplotlib is not installed"
