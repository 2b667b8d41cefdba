"""Names, and what is read where."""

from bpx.export.c.places import Place
from bpx.export.c.scope import Scope
from bpx.program.operation import Value, dtype_of

F32, I32 = dtype_of("float32"), dtype_of("int32")


def test_an_element_is_read_from_its_variable_or_from_memory():
    x, y = Value((3,), I32), Value((3,), F32)
    scope = Scope({x: Place("x", (3,), (1,))}, {y: "z1"})
    assert scope.read(x, I32, ("i",)) == "x[i]"
    assert scope.read(x, F32, ("i",)) == "(float)x[i]"
    assert scope.read(0.5, F32, ("i",)) == "0.5f"
    scope.local[x] = "v1"
    assert scope.stored(x, ("i",)) == "v1"
    assert scope.at(x, ("i",)) == "x[i]"


def test_names_of_elements():
    x, y = Value((3,), F32), Value((3,), F32)
    scope = Scope({}, {y: "z1"})
    found = [scope.element(x, "ij"), scope.element(y, "ij"), scope.element(y), scope.element(x)]
    assert found == ["v1", "z1_ij", "v2", "v3"]
