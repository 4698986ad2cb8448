"""ROME as screens offer it: linear experts, and networks."""

from __future__ import annotations

from fairaudit.audit.catalog.shared_knobs import ANY, RATE
from fairaudit.audit.knobs import Knob, Method, Work

ROME_EM = Method(
    "rome-em",
    "ROME (linear experts)",
    "Finds latent groups by expectation-maximisation, fits one linear model per group and "
    "combines them so that the worst group is served.",
    "Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent "
    "Heterogeneity, arXiv 2509.17411",
    ANY,
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
            "weights",
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

ROME_MOE = Method(
    "rome-moe",
    "ROME (neural experts)",
    "A gate network on the sensitive attributes weighs neural experts that never see them; "
    "the loss mixes the mean with the worst expert's rows.",
    "Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent "
    "Heterogeneity, arXiv 2509.17411",
    ANY,
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
        RATE,
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
