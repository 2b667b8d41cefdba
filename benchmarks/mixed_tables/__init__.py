"""Three tables of numbers and categories, beside scikit-learn's MLP and gradient boosting.

- `sets` has the tables, which packages on the index ship, and no copies of them
- `learners` has the three ways to learn, each with its defaults and a few settings to try
- `protocol` splits the rows, chooses the settings, and judges the answers
- `command` runs it: ``python -m benchmarks.mixed_tables``

The protocol is the same for all three ways, on each table and for each seed:

1. The seed draws a fifth of the rows for the test. Nothing else reads them.
2. *default* trains on the other rows, with what the library does by itself.
3. *tuned* first trains with each of four settings on four fifths of these other rows, and
   chooses the settings with the least error on the last fifth. It then trains with them on all
   of these rows.

Every training gets the same rows and columns, and the same types: numbers and categories. A way
that stops early holds out a tenth of its rows by itself. The errors on the test rows are shown
as their median, minimum and maximum over the seeds.

- **bpx**, default: ``bpx train FILE``, with ``--cost poisson`` for counts. It holds out a fifth
  of the rows to show the error on them. Tuned: a schema with codes, `bpx.Periodic` for numbers,
  `bpx.Embedding` for categories, two hidden layers of 128 ReLUs, AdamW with a learning rate
  that falls along a cosine, and the weights of the best epoch.
- **MLP**: `MLPRegressor` or `MLPClassifier`, with early stopping also by default, in a pipeline
  that scales numbers and a numeric target, and makes categories one-hot. For counts: the
  Poisson loss.
- **HistGradientBoosting**: with its own treatment of categories. For counts: the Poisson loss.

Unless ``--jobs`` says otherwise, as many trainings run at once as there are cores, with one
thread each. The seconds are then those on one core.
"""
