"""Baselines as screens offer them."""

from __future__ import annotations

from fairaudit.audit.catalog.shared_knobs import ANY, GROUPS, NET, RIDGE, SPARSE
from fairaudit.audit.knobs import Knob, Method

ERM = Method(
    "erm",
    "Pooled network (ERM)",
    "One network for all rows, without sensitive columns.",
    "",
    ANY,
    (),
    True,
    NET,
    estimator="fairaudit.methods.baselines.network:PooledNetwork",
    adapter="baselines:fit_erm",
    guided=True,
    compared=True,
)

LINEAR = Method(
    "linear",
    "Pooled linear model",
    "One linear or logistic model for all rows, without sensitive columns.",
    "",
    ANY,
    (),
    False,
    (RIDGE,),
    estimator="fairaudit.methods.baselines.linear:PooledLinear",
    adapter="baselines:fit_linear",
    compared=True,
)

LINEAR_S = Method(
    "linear-s",
    "Pooled linear model with sensitive columns",
    "One linear or logistic model for all rows that also sees the sensitive columns.",
    "",
    ANY,
    ("sensitive",),
    False,
    (RIDGE,),
    estimator="fairaudit.methods.baselines.linear:PooledLinear",
    adapter="baselines:fit_linear_with_sensitive",
)

_BOOSTING_KNOBS = (
    Knob(
        "max_iter",
        "Boosting rounds",
        "int",
        "Most trees to add; validation rows keep as many as do best on them.",
        1,
        5000,
        1,
    ),
    Knob("learning_rate", "Learning rate", "float", "Share of each tree added.", 1e-4, 1.0),
    Knob("max_leaf_nodes", "Leaves per tree", "int", "Largest number of leaves.", 2, 1024, 1),
    Knob("min_samples_leaf", "Rows per leaf", "int", "Fewest rows in a leaf.", 1, 10000, 1),
    Knob(
        "l2_regularization",
        "Ridge penalty of leaves",
        "float",
        "Strength of the L2 penalty on the values of leaves.",
        0.0,
        1e6,
    ),
)

BOOSTING = Method(
    "boosting",
    "Boosted trees",
    "Gradient-boosted trees for all rows, without sensitive columns.",
    "Ke et al., NeurIPS 2017; computed by scikit-learn (HistGradientBoosting)",
    ANY,
    (),
    False,
    _BOOSTING_KNOBS,
    estimator="fairaudit.methods.baselines.boosting:PooledBoosting",
    adapter="baselines:fit_boosting",
    compared=True,
)

BOOSTING_S = Method(
    "boosting-s",
    "Boosted trees with sensitive columns",
    "Gradient-boosted trees for all rows that also see the sensitive columns.",
    "Ke et al., NeurIPS 2017; computed by scikit-learn (HistGradientBoosting)",
    ANY,
    ("sensitive",),
    False,
    _BOOSTING_KNOBS,
    estimator="fairaudit.methods.baselines.boosting:PooledBoosting",
    adapter="baselines:fit_boosting_with_sensitive",
    guided=True,
    compared=True,
)

ERM_S = Method(
    "erm-s",
    "Pooled network with sensitive columns",
    "One network for all rows that also sees the sensitive columns.",
    "",
    ANY,
    ("sensitive",),
    False,
    NET,
    estimator="fairaudit.methods.baselines.network:PooledNetwork",
    adapter="baselines:fit_erm_with_sensitive",
)

GROUP_DRO = Method(
    "group-dro",
    "Group DRO",
    "One network trained to do well on the group where it does worst.",
    "Sagawa, Koh, Hashimoto, Liang, ICLR 2020, arXiv 1911.08731",
    ANY,
    ("sensitive",),
    True,
    (
        GROUPS,
        Knob(
            "step_size",
            "Group step size",
            "float",
            "How fast the weight moves to the worst group.",
            1e-5,
            1.0,
        ),
        *NET,
        SPARSE,
    ),
    estimator="fairaudit.methods.baselines.group_networks:GroupDRO",
    adapter="baselines:fit_group_dro",
)

DECOUPLED = Method(
    "decoupled",
    "Decoupled heads",
    "One shared network with a separate head for each group, always used.",
    "Dwork, Immorlica, Kalai, Leiserson, FAT* 2018, arXiv 1707.06613",
    ANY,
    ("sensitive",),
    True,
    (GROUPS, *NET, SPARSE),
    estimator="fairaudit.methods.baselines.group_networks:DecoupledHeads",
    adapter="baselines:fit_decoupled",
)

THRESHOLD = Method(
    "threshold",
    "Thresholds by group",
    "The pooled linear model with a threshold for each group, chosen so that error rates agree.",
    "Hardt, Price, Srebro, NeurIPS 2016, arXiv 1610.02413; computed by Fairlearn",
    ("binary",),
    ("sensitive",),
    False,
    (
        GROUPS,
        Knob(
            "constraint",
            "Rates to equalise",
            "choice",
            "Which rates must agree between groups.",
            choices=(
                "equalized_odds",
                "demographic_parity",
                "true_positive_rate_parity",
                "false_positive_rate_parity",
            ),
            expert=False,
        ),
        RIDGE,
        SPARSE,
    ),
    estimator="fairaudit.methods.baselines.thresholds:GroupThresholds",
    adapter="baselines:fit_threshold",
)
