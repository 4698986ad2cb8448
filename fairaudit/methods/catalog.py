"""Which methods exist and which knobs they have; imports nothing heavy, so screens may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairaudit.exceptions import SpecError

Need = Literal["sensitive", "cluster"]


@dataclass(frozen=True)
class Knob:
    """One parameter of a method, with the range a form offers."""

    name: str
    label: str
    kind: Literal["int", "float", "choice", "bool", "ints", "floats", "columns"]
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    expert: bool = True
    optional: bool = False  # None is allowed


@dataclass(frozen=True)
class Method:
    """One method as users choose it."""

    name: str
    title: str
    summary: str
    source: str
    tasks: tuple[str, ...]
    needs: tuple[Need, ...]
    images: bool
    knobs: tuple[Knob, ...]


_EPOCHS = Knob("max_epochs", "Epochs", "int", 50, "Passes over the training rows.", 1, 1000, 1)
_BATCH = Knob("batch_size", "Batch size", "int", 256, "Rows a gradient step.", 2, 65536, 1)
_RATE = Knob(
    "learning_rate", "Learning rate", "float", 1e-3, "Step size of the optimiser.", 1e-5, 1.0
)
_ANY = ("binary", "multiclass", "regression")

_HIDDEN = Knob(
    "hidden_sizes", "Hidden layers", "ints", (128, 64), "Widths of the layers.", 1, 4096
)
_PATIENCE = Knob(
    "patience",
    "Patience",
    "int",
    10,
    "Stop after so many epochs without a better validation loss.",
    1,
    1000,
    1,
    optional=True,
)
_DECAY = Knob("weight_decay", "Weight decay", "float", 1e-4, "Penalty on large weights.", 0.0, 1.0)
_AUGMENT = Knob(
    "augment",
    "Augment images",
    "bool",
    True,
    "Random zooms, turns, flips and light of training images.",
)
_SGD = Knob("learning_rate", "Learning rate", "float", 0.05, "First step size of SGD.", 1e-5, 1.0)
_STEP = Knob(
    "batch_size",
    "Batch size",
    "int",
    None,
    "Rows a gradient step; empty means 256, and fewer for small image sets.",
    2,
    65536,
    1,
    optional=True,
)
_NET = (_EPOCHS, _STEP, _SGD, _HIDDEN, _PATIENCE, _DECAY, _AUGMENT)
_RIDGE = Knob(
    "penalty", "Ridge penalty", "float", 1.0, "Strength of the L2 penalty on slopes.", 0.0, 1e6
)
_GROUPS = Knob(
    "attributes",
    "Groups are made by",
    "columns",
    (),
    "Sensitive columns whose combinations are the groups; none chosen means all of them.",
    expert=False,
)
_SPARSE = Knob(
    "min_group_rows",
    "Rows a combination needs",
    "int",
    50,
    "A combination of attributes with fewer training rows joins the coarser group.",
    1,
    100000,
    1,
)

_BASELINES: tuple[Method, ...] = (
    Method(
        "linear",
        "Pooled linear model",
        "One linear or logistic model for everybody, without sensitive columns.",
        "",
        _ANY,
        (),
        False,
        (_RIDGE,),
    ),
    Method(
        "linear-s",
        "Pooled linear model with sensitive columns",
        "One linear or logistic model for everybody that also sees the sensitive columns.",
        "",
        _ANY,
        ("sensitive",),
        False,
        (_RIDGE,),
    ),
    Method(
        "erm",
        "Pooled network (ERM)",
        "One network for everybody, without sensitive columns.",
        "",
        _ANY,
        (),
        True,
        _NET,
    ),
    Method(
        "erm-s",
        "Pooled network with sensitive columns",
        "One network for everybody that also sees the sensitive columns.",
        "",
        _ANY,
        ("sensitive",),
        False,
        _NET,
    ),
    Method(
        "group-dro",
        "Group DRO",
        "One network trained to do well on the group where it does worst.",
        "Sagawa, Koh, Hashimoto, Liang, ICLR 2020, arXiv 1911.08731",
        _ANY,
        ("sensitive",),
        True,
        (
            _GROUPS,
            Knob(
                "step_size",
                "Group step size",
                "float",
                0.01,
                "How fast weight moves to the worst group.",
                1e-5,
                1.0,
            ),
            *_NET,
            _SPARSE,
        ),
    ),
    Method(
        "decoupled",
        "Decoupled heads",
        "One shared network with a head of its own for each group, always used.",
        "Dwork, Immorlica, Kalai, Leiserson, FAT* 2018, arXiv 1707.06613",
        _ANY,
        ("sensitive",),
        True,
        (_GROUPS, *_NET, _SPARSE),
    ),
    Method(
        "threshold",
        "Thresholds by group",
        "The pooled linear model with a threshold for each group, chosen so that rates agree.",
        "Hardt, Price, Srebro, NeurIPS 2016, arXiv 1610.02413; computed by Fairlearn",
        ("binary",),
        ("sensitive",),
        False,
        (
            _GROUPS,
            Knob(
                "constraint",
                "Rates to equalise",
                "choice",
                "equalized_odds",
                "Which rates must agree between groups.",
                choices=(
                    "equalized_odds",
                    "demographic_parity",
                    "true_positive_rate_parity",
                    "false_positive_rate_parity",
                ),
                expert=False,
            ),
            _RIDGE,
            _SPARSE,
        ),
    ),
)

_FAIR_SDE = Method(
    "fair-sde",
    "FairSDE",
    "Trains an expert for each group and a pooled baseline, then keeps for each group whichever "
    "is better, so that no group is harmed and the gap shrinks.",
    "Tan, Wang, Pham, Zhang, Zhang, AAAI 2026, arXiv 2511.06293",
    _ANY,
    ("sensitive",),
    True,
    (
        _GROUPS,
        Knob(
            "objective",
            "What the choice aims at",
            "choice",
            "min_gap",
            "min_gap: the smallest gap that harms nobody; max_min: each group takes its better "
            "model; max_mean: the best average with no wider gap.",
            choices=("min_gap", "max_min", "max_mean"),
            expert=False,
        ),
        Knob(
            "metric",
            "Performance",
            "choice",
            "accuracy",
            "What is compared; a regression always uses minus the mean squared error.",
            choices=("accuracy", "balanced_accuracy", "auroc", "neg_mse"),
            expert=False,
        ),
        Knob(
            "confidence",
            "Confidence of no harm",
            "float",
            0.95,
            "Chance that no group at all is harmed by the choice; empty compares point estimates.",
            0.5,
            0.999,
            0.01,
            expert=False,
            optional=True,
        ),
        Knob(
            "tolerance",
            "Harm tolerated",
            "float",
            0.0,
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
            (0.1, 0.1, 0.1),
            "Group recognition, virtual centres, divergence between groups.",
            0.0,
            10.0,
        ),
        Knob(
            "training",
            "Training",
            "choice",
            "joint",
            "joint: all losses at once; staged: representation first, then the experts.",
            choices=("joint", "staged"),
        ),
        Knob(
            "encoder",
            "Encoder",
            "choice",
            "auto",
            "mlp for tables, resnet18 for images; auto looks at the data.",
            choices=("auto", "mlp", "resnet18"),
        ),
        *_NET,
        _SPARSE,
        Knob(
            "calibrate",
            "Calibrate on validation rows",
            "bool",
            True,
            "Fits temperature and class offsets of both models before they are mixed.",
        ),
    ),
)

_ALL: tuple[Method, ...] = (
    *_BASELINES,
    _FAIR_SDE,
    Method(
        "fair-medl",
        "Fair MEDL (mixed effects)",
        "Separates what holds in every cluster from what each cluster adds, and debiases both.",
        "Nguyen, Wang, Montillo, arXiv 2310.03146",
        _ANY,
        ("cluster",),
        False,
        (
            Knob(
                "debias",
                "Debiasing",
                "choice",
                "rates",
                "What pushes the groups together: the groups' rates themselves, an adversary that "
                "guesses the group, their correlation with the prediction, or nothing.",
                choices=("rates", "adversarial", "correlation"),
                expert=False,
                optional=True,
            ),
            Knob(
                "fairness_target",
                "Fairness target",
                "choice",
                "equalized_odds",
                "Equal error rates (equalized odds) or equal positive rates (demographic parity).",
                choices=("equalized_odds", "demographic_parity"),
                expert=False,
            ),
            Knob(
                "performance_budget",
                "Accuracy that may be given up",
                "float",
                0.01,
                "Trains a path of penalties as one batch and keeps the fairest model within this "
                "loss of AUROC (or relative MSE) on validation rows; empty = one model.",
                0.0,
                0.5,
                0.005,
                expert=False,
                optional=True,
            ),
            Knob(
                "unseen",
                "Clusters never seen",
                "choice",
                "inferred",
                "Answer with the fixed effects alone, or infer the cluster from the features.",
                choices=("inferred", "fixed"),
                expert=False,
            ),
            Knob(
                "hidden_sizes",
                "Hidden layers",
                "ints",
                (32, 32),
                "Units of each hidden layer of the base network.",
                1,
                1024,
                1,
            ),
            Knob(
                "lambda_fixed",
                "Weight of the fixed effects",
                "float",
                1.0,
                "Weight of the fixed-effects loss.",
                0.0,
                100.0,
            ),
            Knob(
                "lambda_cluster",
                "Weight of the cluster penalty",
                "float",
                1.0,
                "How hard cluster traces are removed from the fixed effects.",
                0.0,
                100.0,
            ),
            Knob(
                "lambda_kl",
                "Weight of the prior",
                "float",
                1.0,
                "Weight of the divergence from the prior of the random effects.",
                0.0,
                100.0,
            ),
            Knob(
                "lambda_fair_fixed",
                "Weight of fairness, fixed effects",
                "float",
                1.0,
                "How hard the fixed-effects prediction is debiased.",
                0.0,
                100.0,
            ),
            Knob(
                "lambda_fair_mixed",
                "Weight of fairness, mixed effects",
                "float",
                1.0,
                "How hard the mixed prediction is debiased.",
                0.0,
                100.0,
            ),
            Knob(
                "random_effects",
                "Random effects",
                "bool",
                True,
                "Let every cluster add its own slopes and intercept.",
            ),
            Knob(
                "slopes",
                "Slopes of the clusters",
                "choice",
                "inputs",
                "What a cluster's slopes multiply: the inputs, the last hidden layer, or nothing "
                "(intercepts only).",
                choices=("inputs", "hidden", "none"),
            ),
            Knob(
                "prior_scale",
                "Scale of the prior",
                "float",
                None,
                "Standard deviation of the random effects' prior; empty = learnt.",
                0.001,
                10.0,
                optional=True,
            ),
            Knob(
                "cluster_adversary",
                "Cluster penalty",
                "bool",
                True,
                "Keep what only names the cluster out of the fixed effects.",
            ),
            Knob(
                "cluster_penalty",
                "Form of the cluster penalty",
                "choice",
                "between_variance",
                "Features pay for the share of their variance that lies between clusters, or an "
                "opponent guesses the cluster from the hidden layers (the paper's).",
                choices=("between_variance", "adversarial"),
            ),
            Knob(
                "probes",
                "Stress test with probes",
                "bool",
                False,
                "Adds five columns that only know the cluster's positive rate, and shows how high "
                "they rank with and without debiasing (two more fits; binary targets).",
            ),
            Knob(
                "search_trials",
                "Trials of the search",
                "int",
                0,
                "Search the five weights for the accuracy–fairness front; 0 = no search.",
                0,
                1000,
                1,
            ),
            _EPOCHS,
            _BATCH,
            _RATE,
        ),
    ),
    Method(
        "rome-em",
        "ROME (linear experts)",
        "Finds hidden groups by expectation-maximisation, fits one linear model a group and "
        "combines them so that the worst group is served.",
        "Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent "
        "Heterogeneity, arXiv 2509.17411",
        _ANY,
        ("sensitive",),
        False,
        (
            Knob(
                "n_groups",
                "Hidden groups",
                "int",
                4,
                "How many hidden groups to look for; empty = chosen by held-out likelihood.",
                1,
                12,
                1,
                expert=False,
                optional=True,
            ),
            Knob(
                "combine",
                "How experts are combined",
                "choice",
                "minimax",
                "minimax serves the worst group first, gate is best on average, maximin uses one "
                "weight for everybody.",
                choices=("minimax", "gate", "maximin"),
                expert=False,
            ),
            Knob(
                "max_average_loss",
                "Largest average loss allowed",
                "float",
                None,
                "With minimax: the worst group is served only as far as the average loss (mean "
                "squared error, or log loss) stays below this; empty = that of one pooled model.",
                0.0,
                None,
                optional=True,
                expert=False,
            ),
            Knob(
                "worst_tolerance",
                "Loss of the worst group given up",
                "float",
                0.01,
                "With minimax: how far the worst group's loss may exceed its best (0.01 = 1%) for "
                "a better average.",
                0.0,
                1.0,
            ),
            Knob(
                "outcome_sensitive",
                "Experts may use sensitive attributes",
                "bool",
                False,
                "Off: sensitive attributes only decide about membership and never reach an "
                "expert.",
                expert=False,
            ),
            Knob("n_init", "Random starts", "int", 10, "Starts run as one batch.", 1, 100, 1),
            Knob("max_iter", "Iterations", "int", 300, "Most EM iterations.", 1, 5000, 1),
            Knob("tol", "Tolerance", "float", 1e-6, "Relative change that stops EM.", 1e-12, 1e-2),
            Knob(
                "noise",
                "Noise of the experts",
                "choice",
                "group",
                "One variance for each group, or one shared by all (regression only).",
                choices=("group", "shared"),
            ),
            Knob(
                "gate_intercept",
                "Gate has an intercept",
                "bool",
                True,
                "Lets the sizes of the groups differ at the average sensitive attributes.",
            ),
        ),
    ),
    Method(
        "rome-moe",
        "ROME (neural experts)",
        "A gate network on the sensitive attributes weighs neural experts that never see them; "
        "the loss mixes the mean with the worst expert's rows.",
        "Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent "
        "Heterogeneity, arXiv 2509.17411",
        _ANY,
        ("sensitive",),
        False,
        (
            Knob(
                "n_groups",
                "Hidden groups",
                "int",
                4,
                "How many experts the gate chooses from.",
                1,
                32,
                1,
                expert=False,
            ),
            Knob(
                "alpha",
                "Weight of the worst group",
                "float",
                0.05,
                "0 trains on the mean loss only, 1 on the worst group only.",
                0.0,
                1.0,
                0.01,
                expert=False,
            ),
            Knob(
                "dro",
                "Form of the robust loss",
                "choice",
                "soft",
                "soft: gate-weighted loss of each expert; hard: rows given to their likeliest "
                "expert; group: exponentiated-gradient weights as in group DRO.",
                choices=("soft", "hard", "group"),
                expert=False,
            ),
            Knob(
                "gate_inputs",
                "What the gate sees",
                "choice",
                "sensitive",
                "Sensitive attributes only, or all columns.",
                choices=("sensitive", "all"),
                expert=False,
            ),
            Knob("hidden_size", "Expert width", "int", 64, "Hidden units an expert.", 1, 1024, 1),
            Knob("gate_hidden_size", "Gate width", "int", 16, "Hidden units.", 1, 1024, 1),
            Knob("max_epochs", "Epochs", "int", 30, "Passes over the training rows.", 1, 1000, 1),
            Knob("batch_size", "Batch size", "int", 64, "Rows a gradient step.", 2, 65536, 1),
            _RATE,
            Knob("dropout", "Dropout", "float", 0.0, "Share of hidden units.", 0.0, 0.9, 0.05),
            Knob("weight_decay", "Weight decay", "float", 0.0, "L2 penalty.", 0.0, 1.0),
            Knob(
                "balance",
                "Load balancing",
                "float",
                0.0,
                "Penalty that keeps every expert in use.",
                0.0,
                10.0,
            ),
            Knob(
                "gate_entropy",
                "Gate entropy",
                "float",
                0.0,
                "Reward for undecided membership.",
                0.0,
                10.0,
            ),
            Knob("n_members", "Ensemble size", "int", 1, "Seeds trained as a batch.", 1, 100, 1),
        ),
    ),
)

METHODS: Mapping[str, Method] = {m.name: m for m in _ALL}


def method(name: str) -> Method:
    """The catalog entry of a method.

    Raises
    ------
    SpecError
        When there is no such method.
    """
    if name not in METHODS:
        raise SpecError(f"method '{name}' is not known; choose one of {', '.join(METHODS)}")
    return METHODS[name]
