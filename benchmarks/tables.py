"""Five small tables, each learned by one ``bpx train``, beside scikit-learn's MLP.

::

    python -m benchmarks.tables [--repeats 5] [--folds 5] [--seed 1] [--tables iris,mixed]

The benchmark writes the training rows of a repeated cross-validation to a file, with the names
of the columns, and trains on it from the command line without options. The network then
predicts the other rows, without the target. scikit-learn's `MLPClassifier` or `MLPRegressor`,
with its own defaults, runs on the same rows in a pipeline that fills, scales and encodes. The
benchmark needs pandas. The table shows the mean accuracy, or R² for numbers, and the paired
difference with its standard error. By default bpx holds out a fifth of its rows for validation;
it is measured with and without that.
"""

import argparse
import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import environment
from benchmarks.report import heading, table, write

__all__ = ["Score", "main", "scores"]

NAMES = ("iris", "wine", "breast_cancer", "diabetes", "mixed")


class Score(NamedTuple):
    """How well one way did on one table.

    Attributes
    ----------
    table, way : str
    mean : float
        The mean accuracy, or R².
    difference, error : float
        The mean of the paired differences from scikit-learn's, and its standard error.
    """

    table: str
    way: str
    mean: float
    difference: float
    error: float


def scores(name: str, *, repeats: int, folds: int, seed: int) -> list[Score]:
    """Each way on one table, fold by fold in turns."""
    from sklearn.model_selection import RepeatedKFold

    frame = make(name)
    found: dict[str, list[float]] = {way: [] for way in ways(frame)}
    splits = RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    for number, (train, test) in enumerate(splits.split(frame)):
        for way, learn in ways(frame).items():
            score = learn(frame.iloc[train], frame.iloc[test], number)
            found[way].append(score)
    base = np.array(found["scikit-learn"])
    return [_score(name, way, np.array(values), base) for way, values in found.items()]


def ways(frame: Any) -> dict[str, Callable[[Any, Any, int], float]]:
    """The ways to compare on a table; for numbers, also scikit-learn with a scaled target."""
    numbers = _is_regression(frame)
    return {
        "scikit-learn": partial(_sklearn, scaled=False),
        **({"scikit-learn, y scaled": partial(_sklearn, scaled=True)} if numbers else {}),
        "bpx train": partial(_bpx, options=()),
        "bpx train, all rows": partial(_bpx, options=("--validation-fraction", "0")),
    }


def make(name: str) -> Any:
    """A table as a DataFrame, the target in its last column."""
    if name == "mixed":
        return mixed()
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    if hasattr(bunch, "target_names"):
        frame["target"] = np.array(bunch.target_names)[frame["target"]]
    return frame


def mixed(rows: int = 600, seed: int = 0) -> Any:
    """Customers: numbers, texts of few and many levels, booleans, dates, and missing cells."""
    import pandas

    rng = np.random.default_rng(seed)
    towns = np.array(["Bern", "Lyon", "Oslo", "Porto", "Turin", "Graz"])
    jobs = np.array([f"job {i:02d}" for i in range(30)])
    town, age = rng.choice(towns, rows), rng.normal(45, 12, rows).round(1)
    often = np.linspace(3, 1, len(jobs))
    job = rng.choice(jobs, rows, p=often / often.sum())
    income = np.exp(rng.normal(10, 0.6, rows)).round(2)
    member, days = rng.random(rows) < 0.4, rng.integers(0, 4000, rows)
    z = (age - 45) / 12 * np.where(town == "Oslo", -1, 1) + 1.2 * member
    z += 0.8 * (np.log(income) - 10) / 0.6 + np.isin(town, ["Bern", "Graz"]) - days / 2000
    bought = np.where(z + rng.normal(0, 0.7, rows) > -0.2, "yes", "no")
    since = pandas.Timestamp("2015-01-01") + pandas.to_timedelta(days, unit="D")
    frame = pandas.DataFrame(
        {"age": age, "town": town, "income": income, "member": member, "job": job,
         "since": since, "bought": bought}
    )  # fmt: skip
    for column, share in (("age", 0.1), ("town", 0.08), ("income", 0.15)):
        frame.loc[rng.random(rows) < share, column] = None
    return frame


def _is_regression(frame: Any) -> bool:
    return frame.iloc[:, -1].dtype.kind == "f"


def _bpx(train: Any, test: Any, number: int, *, options: tuple[str, ...]) -> float:
    """Train on one file by ``bpx train``, and return ``bpx predict``'s answers for another."""
    import pandas

    from bpx.cli.commands import cli

    target = train.columns[-1]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        place = Path(folder)
        train.to_csv(place / "train.csv", index=False)
        test.drop(columns=target).to_csv(place / "test.csv", index=False)
        run, out = str(place / "run"), str(place / "answers.csv")
        words = [str(place / "train.csv"), "--seed", str(number), "--out", run, "--quiet"]
        cli.main(["train", *words, *options], standalone_mode=False)
        cli.main(["predict", run, str(place / "test.csv"), "--out", out], standalone_mode=False)
        answers = pandas.read_csv(out)[target].to_numpy()
    return _judged(answers, test[target].to_numpy(), numbers=_is_regression(train))


def _sklearn(train: Any, test: Any, number: int, *, scaled: bool) -> float:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    target, numbers = train.columns[-1], _is_regression(train)
    model = (MLPRegressor if numbers else MLPClassifier)(random_state=number)
    if scaled:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    x, more = (_numbered(each.drop(columns=target)) for each in (train, test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with its defaults it often stops before it converges
        fitted = make_pipeline(_prepared(), model).fit(x, train[target])
    return _judged(fitted.predict(more), test[target].to_numpy(), numbers=numbers)


def _prepared() -> Any:
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = SimpleImputer(strategy="median", add_indicator=True)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    is_number = make_column_selector(dtype_include=np.number)
    is_text = make_column_selector(dtype_exclude=np.number)
    numbers = make_pipeline(filled, StandardScaler())
    return ColumnTransformer([("numbers", numbers, is_number), ("texts", texts, is_text)])


def _numbered(frame: Any) -> Any:
    """Dates and booleans as numbers, since the pipeline would treat them as texts."""
    frame = frame.copy()
    for column in frame:
        if frame[column].dtype.kind in "Mb":
            frame[column] = frame[column].astype("int64").astype("float64")
    return frame


def _judged(answers: Any, y: Any, *, numbers: bool) -> float:
    if numbers:
        return float(1.0 - ((answers - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    return float((answers.astype(str) == y.astype(str)).mean())


def _score(name: str, way: str, values: Any, base: Any) -> Score:
    off = values - base
    error = float(off.std(ddof=1) / np.sqrt(len(off)))
    return Score(name, way, float(values.mean()), float(off.mean()), error)


def _rows(found: Sequence[Score]) -> Iterator[tuple[str, ...]]:
    for each in found:
        beside = "" if each.way == "scikit-learn" else f"{each.difference:+.4f}"
        error = f"{each.error:.4f}" if beside else ""
        yield each.table, each.way, f"{each.mean:.4f}", beside, error


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    given = parser.parse_args(arguments)
    found = [
        score
        for name in given.tables.split(",")
        for score in scores(name, repeats=given.repeats, folds=given.folds, seed=given.seed)
    ]
    facts = environment("numpy", "scikit-learn", "pandas", "pyarrow")
    print(heading("Tables", facts))
    head = ("table", "way", "accuracy, or R²", "- scikit-learn", "standard error")
    print(table(head, _rows(found)))
    write(given.out, {"environment": facts, "scores": [each._asdict() for each in found]})


if __name__ == "__main__":
    main()
