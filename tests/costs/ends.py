"""Every cost but the first three, with the outputs that its tests put before it."""

ENDS = [
    ("mae", "identity"),
    ("huber", "tanh"),
    ("huber(delta=0.25)", "identity"),
    ("log_cosh", "identity"),
    ("quantile", "softplus"),
    ("quantile(0.1, 0.75)", "identity"),
    ("poisson", "exponential"),
    ("poisson", "softplus"),
    ("kl_divergence", "softmax"),
    ("binary_focal", "sigmoid"),
    ("binary_focal(gamma=1.5, alpha=0.25)", "sigmoid"),
    ("categorical_focal", "softmax"),
    ("categorical_focal(gamma=0.5)", "softmax"),
    ("hinge", "identity"),
    ("categorical_hinge", "identity"),
    ("binary_cross_entropy(label_smoothing=0.1)", "sigmoid"),
    ("categorical_cross_entropy(label_smoothing=0.2)", "softmax"),
]
