"""The catalog: every method once, with what it needs, its knobs, its estimator and its adapters.

It stands in `audit`, above `methods`, because an entry names the adapter that runs the method.
Screens read it, so it imports neither estimators nor adapters. A new method is its estimator, its
adapter and one entry here; its place in `METHODS` is its place on screens.
"""

from __future__ import annotations

from collections.abc import Mapping

from fairaudit.audit.knobs import Knob, Method, Work
from fairaudit.exceptions import SpecError

_EPOCHS = Knob("max_epochs", "Epochs", "int", "Passes over the training rows.", 1, 1000, 1)
_BATCH = Knob("batch_size", "Batch size", "int", "Rows per gradient step.", 2, 65536, 1)
_RATE = Knob("learning_rate", "Learning rate", "float", "Step size of the optimiser.", 1e-5, 1.0)
_ANY = ("binary", "multiclass", "regression")

_HIDDEN = Knob("hidden_sizes", "Hidden layers", "ints", "Width of each hidden layer.", 1, 4096)
_PATIENCE = Knob(
    "patience",
    "Patience",
    "int",
    "Stop after this many epochs without a lower validation loss.",
    1,
    1000,
    1,
    optional=True,
)
_DECAY = Knob("weight_decay", "Weight decay", "float", "Penalty on large weights.", 0.0, 1.0)
_AUGMENT = Knob(
    "augment",
    "Augment images",
    "bool",
    "Random crops, rotations, flips and brightness changes of training images.",
)
_SGD = Knob("learning_rate", "Learning rate", "float", "Initial learning rate of SGD.", 1e-5, 1.0)
_STEP = Knob(
    "batch_size",
    "Batch size",
    "int",
    "Rows per gradient step; empty means 256, and fewer for small image sets.",
    2,
    65536,
    1,
    optional=True,
)
_NET = (_EPOCHS, _STEP, _SGD, _HIDDEN, _PATIENCE, _DECAY, _AUGMENT)
_RIDGE = Knob(
    "penalty", "Ridge penalty", "float", "Strength of the L2 penalty on slopes.", 0.0, 1e6
)
_GROUPS = Knob(
    "attributes",
    "Group by",
    "columns",
    "Sensitive columns whose intersections form the groups; none selected means all of them.",
    expert=False,
    default=(),
)
_SPARSE = Knob(
    "min_group_rows",
    "Smallest intersection (rows)",
    "int",
    "An intersection of attributes with fewer training rows is merged into the coarser group.",
    1,
    100000,
    1,
)

_ROME_EM = Method(
    "rome-em",
    "ROME (linear experts)",
    "Finds latent groups by expectation-maximisation, fits one linear model per group and "
    "combines them so that the worst group is served.",
    "Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent "
    "Heterogeneity, arXiv 2509.17411",
    _ANY,
    ("sensitive",),
    False,
    (
        Knob(
            "n_groups",
            "Latent groups",
            "int",
            "How many latent groups to fit; empty = chosen by held-out likelihood.",
            1,
            12,
            1,
            expert=False,
            optional=True,
            empty="auto",
        ),
        Knob(
            "combine",
            "How experts are combined",
            "choice",
            "auto picks on validation rows what serves the worst group best without a worse "
            "average (the pooled model too); minimax serves the worst group first, gate is best "
            "on average, maximin uses one weight for all rows.",
            choices=("auto", "pooled", "gate", "minimax", "maximin"),
            expert=False,
        ),
        Knob(
            "max_average_loss",
            "Largest average loss allowed",
            "float",
            "With auto and minimax: the worst group is served only as far as the average loss "
            "(mean squared error, or log loss) stays below this; empty = that of one pooled "
            "model.",
            0.0,
            None,
            optional=True,
            empty="pooled",
            expert=False,
        ),
        Knob(
            "worst_tolerance",
            "Worst-group loss given up",
            "float",
            "With minimax: how far the worst group's loss may exceed its best (0.01 = 1%) for "
            "a better average.",
            0.0,
            1.0,
        ),
        Knob(
            "outcome_sensitive",
            "Experts may use sensitive attributes",
            "bool",
            "Off: sensitive attributes only determine membership and never reach an expert.",
            expert=False,
        ),
        Knob(
            "weight_type",
            "Weights of rows are",
            "choice",
            "sampling: how many people a row stands for, counted as the effective number of "
            "rows; frequency: how often the row was observed.",
            choices=("sampling", "frequency"),
            default="sampling",  # of an audit; the estimator, as in scikit-learn, counts rows
        ),
        Knob("n_init", "Random starts", "int", "Random starts, run as one batch.", 1, 100, 1),
        Knob("max_iter", "Iterations", "int", "Maximum number of EM iterations.", 1, 5000, 1),
        Knob("tol", "Tolerance", "float", "Relative change below which EM stops.", 1e-12, 1e-2),
        Knob(
            "noise",
            "Noise of the experts",
            "choice",
            "One variance for each group, or one shared by all (regression only).",
            choices=("group", "shared"),
        ),
        Knob(
            "gate_intercept",
            "Gate has an intercept",
            "bool",
            "Lets group sizes differ at the average of the sensitive attributes.",
        ),
    ),
    estimator="fairaudit.methods.rome.em:RomeEM",
    adapter="rome:fit_rome_em",
    works=(
        Work(
            "sweep",
            "rome:fit_rome_sweep",
            "Fixed number",
            "What if more or fewer?",
            "The what-if fits every number of groups in one run; switching later is instant.",
        ),
    ),
    guided=True,
    compared=True,
)

_ROME_MOE = Method(
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
            "Latent groups",
            "int",
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
            "soft: gate-weighted loss of each expert; hard: rows given to their likeliest "
            "expert; group: exponentiated-gradient weights as in group DRO.",
            choices=("soft", "hard", "group"),
            expert=False,
        ),
        Knob(
            "gate_inputs",
            "What the gate sees",
            "choice",
            "Sensitive attributes only, or all columns.",
            choices=("sensitive", "all"),
            expert=False,
        ),
        Knob("hidden_size", "Expert width", "int", "Hidden units per expert.", 1, 1024, 1),
        Knob("gate_hidden_size", "Gate width", "int", "Hidden units.", 1, 1024, 1),
        Knob("max_epochs", "Epochs", "int", "Passes over the training rows.", 1, 1000, 1),
        Knob("batch_size", "Batch size", "int", "Rows per gradient step.", 2, 65536, 1),
        _RATE,
        Knob(
            "dropout",
            "Dropout",
            "float",
            "Share of hidden units dropped in training.",
            0.0,
            0.9,
            0.05,
        ),
        Knob("weight_decay", "Weight decay", "float", "L2 penalty.", 0.0, 1.0),
        Knob(
            "balance",
            "Load balancing",
            "float",
            "Penalty that keeps every expert in use.",
            0.0,
            10.0,
        ),
        Knob(
            "gate_entropy",
            "Gate entropy",
            "float",
            "Reward for uncertain membership.",
            0.0,
            10.0,
        ),
        Knob(
            "n_members",
            "Ensemble size",
            "int",
            "Number of seeds, trained as one batch.",
            1,
            100,
            1,
        ),
    ),
    estimator="fairaudit.methods.rome.moe:RomeMoE",
    adapter="rome:fit_rome_moe",
    guided=True,
    compared=True,
)

_FAIR_SDE = Method(
    "fair-sde",
    "FairSDE",
    "Trains an expert for each group and a pooled baseline, then keeps for each group whichever "
    "performs better, so that no group is harmed and the gap narrows.",
    "Tan, Wang, Pham, Zhang, Zhang, AAAI 2026, arXiv 2511.06293",
    _ANY,
    ("sensitive",),
    True,
    (
        _GROUPS,
        Knob(
            "objective",
            "Objective of the choice",
            "choice",
            "min_gap: the smallest gap without harm to any group; max_min: each group takes its "
            "better model; max_mean: the best average without a wider gap.",
            choices=("min_gap", "max_min", "max_mean"),
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
        *_NET,
        _SPARSE,
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

_FAIR_MEDL = Method(
    "fair-medl",
    "Fair MEDL (mixed effects)",
    "Separates effects shared by all clusters from those of each cluster, and debiases both.",
    "Nguyen, Wang, Montillo, arXiv 2310.03146",
    _ANY,
    ("cluster",),
    False,
    (
        Knob(
            "debias",
            "Debiasing",
            "choice",
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
            "Equal error rates (equalized odds) or equal positive rates (demographic parity).",
            choices=("equalized_odds", "demographic_parity"),
            expert=False,
        ),
        Knob(
            "performance_budget",
            "Performance budget",
            "float",
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
            "Unseen clusters",
            "choice",
            "Predict with the fixed effects alone, or infer the cluster from the features.",
            choices=("inferred", "fixed"),
            expert=False,
        ),
        Knob(
            "hidden_sizes",
            "Hidden layers",
            "ints",
            "Width of each hidden layer of the base network.",
            1,
            1024,
            1,
        ),
        Knob(
            "lambda_fixed",
            "Weight of the fixed effects",
            "float",
            "Weight of the fixed-effects loss.",
            0.0,
            100.0,
        ),
        Knob(
            "lambda_cluster",
            "Weight of the cluster penalty",
            "float",
            "How strongly cluster information is removed from the fixed effects.",
            0.0,
            100.0,
        ),
        Knob(
            "lambda_kl",
            "Weight of the prior",
            "float",
            "Weight of the divergence from the prior of the random effects.",
            0.0,
            100.0,
        ),
        Knob(
            "lambda_fair_fixed",
            "Weight of fairness, fixed effects",
            "float",
            "How strongly the fixed-effects prediction is debiased.",
            0.0,
            100.0,
        ),
        Knob(
            "lambda_fair_mixed",
            "Weight of fairness, mixed effects",
            "float",
            "How strongly the mixed prediction is debiased.",
            0.0,
            100.0,
        ),
        Knob(
            "random_effects",
            "Random effects",
            "bool",
            "Give every cluster its own slopes and intercept.",
        ),
        Knob(
            "slopes",
            "Slopes of the clusters",
            "choice",
            "What a cluster's slopes multiply: the inputs, the last hidden layer, or nothing "
            "(intercepts only).",
            choices=("inputs", "hidden", "none"),
        ),
        Knob(
            "prior_scale",
            "Scale of the prior",
            "float",
            "Standard deviation of the random effects' prior; empty = learnt.",
            0.001,
            10.0,
            optional=True,
        ),
        Knob(
            "cluster_adversary",
            "Cluster penalty",
            "bool",
            "Keep cluster identity out of the fixed effects.",
        ),
        Knob(
            "cluster_penalty",
            "Form of the cluster penalty",
            "choice",
            "Features pay for the share of their variance that lies between clusters, or an "
            "adversary predicts the cluster from the hidden layers (the paper's).",
            choices=("between_variance", "adversarial"),
        ),
        Knob(
            "probes",
            "Stress test with probes",
            "bool",
            "Adds five columns that carry only the cluster's positive rate, and shows how high "
            "they rank with and without debiasing (two more fits; binary targets).",
            default=False,
        ),
        Knob(
            "search_trials",
            "Search trials",
            "int",
            "Trials of a search over the five weights for the accuracy–fairness front; 0 = none.",
            0,
            1000,
            1,
            default=0,
        ),
        _EPOCHS,
        _BATCH,
        _RATE,
    ),
    estimator="fairaudit.methods.fair_medl.estimator:FairMEDL",
    adapter="fair_medl:fit_fair_medl",
    guided=True,
    compared=True,
)

_ERM = Method(
    "erm",
    "Pooled network (ERM)",
    "One network for all rows, without sensitive columns.",
    "",
    _ANY,
    (),
    True,
    _NET,
    estimator="fairaudit.methods.baselines.network:PooledNetwork",
    adapter="baselines:fit_erm",
    guided=True,
    compared=True,
)

_LINEAR = Method(
    "linear",
    "Pooled linear model",
    "One linear or logistic model for all rows, without sensitive columns.",
    "",
    _ANY,
    (),
    False,
    (_RIDGE,),
    estimator="fairaudit.methods.baselines.linear:PooledLinear",
    adapter="baselines:fit_linear",
    compared=True,
)

_LINEAR_S = Method(
    "linear-s",
    "Pooled linear model with sensitive columns",
    "One linear or logistic model for all rows that also sees the sensitive columns.",
    "",
    _ANY,
    ("sensitive",),
    False,
    (_RIDGE,),
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

_BOOSTING = Method(
    "boosting",
    "Boosted trees",
    "Gradient-boosted trees for all rows, without sensitive columns.",
    "Ke et al., NeurIPS 2017; computed by scikit-learn (HistGradientBoosting)",
    _ANY,
    (),
    False,
    _BOOSTING_KNOBS,
    estimator="fairaudit.methods.baselines.boosting:PooledBoosting",
    adapter="baselines:fit_boosting",
    compared=True,
)

_BOOSTING_S = Method(
    "boosting-s",
    "Boosted trees with sensitive columns",
    "Gradient-boosted trees for all rows that also see the sensitive columns.",
    "Ke et al., NeurIPS 2017; computed by scikit-learn (HistGradientBoosting)",
    _ANY,
    ("sensitive",),
    False,
    _BOOSTING_KNOBS,
    estimator="fairaudit.methods.baselines.boosting:PooledBoosting",
    adapter="baselines:fit_boosting_with_sensitive",
    guided=True,
    compared=True,
)

_ERM_S = Method(
    "erm-s",
    "Pooled network with sensitive columns",
    "One network for all rows that also sees the sensitive columns.",
    "",
    _ANY,
    ("sensitive",),
    False,
    _NET,
    estimator="fairaudit.methods.baselines.network:PooledNetwork",
    adapter="baselines:fit_erm_with_sensitive",
)

_GROUP_DRO = Method(
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
            "How fast the weight moves to the worst group.",
            1e-5,
            1.0,
        ),
        *_NET,
        _SPARSE,
    ),
    estimator="fairaudit.methods.baselines.group_networks:GroupDRO",
    adapter="baselines:fit_group_dro",
)

_DECOUPLED = Method(
    "decoupled",
    "Decoupled heads",
    "One shared network with a separate head for each group, always used.",
    "Dwork, Immorlica, Kalai, Leiserson, FAT* 2018, arXiv 1707.06613",
    _ANY,
    ("sensitive",),
    True,
    (_GROUPS, *_NET, _SPARSE),
    estimator="fairaudit.methods.baselines.group_networks:DecoupledHeads",
    adapter="baselines:fit_decoupled",
)

_THRESHOLD = Method(
    "threshold",
    "Thresholds by group",
    "The pooled linear model with a threshold for each group, chosen so that error rates agree.",
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
    estimator="fairaudit.methods.baselines.thresholds:GroupThresholds",
    adapter="baselines:fit_threshold",
)

METHODS: Mapping[str, Method] = {
    m.name: m
    for m in (
        _ROME_EM,
        _ROME_MOE,
        _FAIR_SDE,
        _FAIR_MEDL,
        _ERM,
        _LINEAR,
        _LINEAR_S,
        _BOOSTING,
        _BOOSTING_S,
        _ERM_S,
        _GROUP_DRO,
        _DECOUPLED,
        _THRESHOLD,
    )
}

_ABSENT = {"sweep": "is no sweep of the number of groups", "stress": "are no stress tests"}


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


def adapter_path(name: str, kind: str = "train") -> str:
    """The adapter of a method for a kind of audit, as "module:function".

    Raises
    ------
    SpecError
        When there is no such method, or it has no sweep or no stress tests.
    """
    entry = method(name)
    path = entry.adapters.get(kind, "" if kind in _ABSENT else entry.adapter)
    if not path:
        able = ", ".join(f"'{m.name}'" for m in METHODS.values() if kind in m.adapters)
        raise SpecError(f"there {_ABSENT[kind]} of '{name}'; choose {able}")
    return path
