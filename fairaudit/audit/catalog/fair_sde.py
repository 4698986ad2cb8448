"""FairSDE as screens offer it."""

from __future__ import annotations

from fairaudit.audit.catalog.shared_knobs import ANY, GROUPS, NET, SPARSE
from fairaudit.audit.knobs import Knob, Method, Work

FAIR_SDE = Method(
    "fair-sde",
    "FairSDE",
    "Trains an expert for each group and a pooled baseline, then keeps for each group whichever "
    "performs better, so that no group is harmed and the gap narrows.",
    "Tan, Wang, Pham, Zhang, Zhang, AAAI 2026, arXiv 2511.06293",
    ANY,
    ("sensitive",),
    True,
    (
        GROUPS,
        Knob(
            "objective",
            "Objective of the choice",
            "choice",
            "max_min: each group takes its better model; min_gap: the smallest gap without harm "
            "to any group; max_mean: the best average without a wider gap.",
            choices=("max_min", "min_gap", "max_mean"),
            expert=False,
        ),
        Knob(
            "metric",
            "Performance",
            "choice",
            "The measure compared; a regression uses the negative mean squared error.",
            choices=("accuracy", "balanced_accuracy", "auroc", "neg_mse"),
            expert=False,
        ),
        Knob(
            "confidence",
            "No-harm confidence",
            "float",
            "Joint confidence that the choice harms no group; empty compares point estimates.",
            0.51,
            0.999,
            0.01,
            expert=False,
            optional=True,
        ),
        Knob(
            "tolerance",
            "Tolerated harm",
            "float",
            "How much worse than the baseline an expert may be, in units of the performance.",
            0.0,
            1.0,
            0.005,
            expert=False,
        ),
        Knob(
            "lambdas",
            "Weights of the three representation losses",
            "floats",
            "Group recognition, virtual centres, divergence between groups.",
            0.0,
            10.0,
        ),
        Knob(
            "training",
            "Training",
            "choice",
            "joint: all losses at once; staged: representation first, then the experts.",
            choices=("joint", "staged"),
        ),
        Knob(
            "encoder",
            "Encoder",
            "choice",
            "mlp for tables, resnet18 for images; auto looks at the data.",
            choices=("auto", "mlp", "resnet18"),
        ),
        *NET,
        SPARSE,
        Knob(
            "calibrate",
            "Calibrate on validation rows",
            "bool",
            "Fits a temperature and class offsets for both models before the choice.",
        ),
    ),
    estimator="fairaudit.methods.fair_sde.estimator:FairSDE",
    adapter="fair_sde:fit_fair_sde",
    works=(
        Work(
            "stress",
            "fair_sde:stress_fair_sde",
            "A single model",
            "Stress tests",
            "Stress tests train eight models with some losses left out, and repeat the choice on "
            "shifted validation rows. With many groups this takes minutes: see “Group by”.",
        ),
    ),
    guided=True,
    compared=True,
)
