"""Knobs that several methods share."""

from __future__ import annotations

from fairaudit.audit.knobs import Knob

EPOCHS = Knob("max_epochs", "Epochs", "int", "Passes over the training rows.", 1, 1000, 1)
BATCH = Knob("batch_size", "Batch size", "int", "Rows per gradient step.", 2, 65536, 1)
RATE = Knob("learning_rate", "Learning rate", "float", "Step size of the optimiser.", 1e-5, 1.0)
ANY = ("binary", "multiclass", "regression")

HIDDEN = Knob("hidden_sizes", "Hidden layers", "ints", "Width of each hidden layer.", 1, 4096)
PATIENCE = Knob(
    "patience",
    "Patience",
    "int",
    "Stop after this many epochs without a lower validation loss.",
    1,
    1000,
    1,
    optional=True,
)
DECAY = Knob("weight_decay", "Weight decay", "float", "Penalty on large weights.", 0.0, 1.0)
AUGMENT = Knob(
    "augment",
    "Augment images",
    "bool",
    "Random crops, rotations, flips and brightness changes of training images.",
)
SGD = Knob("learning_rate", "Learning rate", "float", "Initial learning rate of SGD.", 1e-5, 1.0)
STEP = Knob(
    "batch_size",
    "Batch size",
    "int",
    "Rows per gradient step; empty means 256, and fewer for small image sets.",
    2,
    65536,
    1,
    optional=True,
)
NET = (EPOCHS, STEP, SGD, HIDDEN, PATIENCE, DECAY, AUGMENT)
RIDGE = Knob(
    "penalty", "Ridge penalty", "float", "Strength of the L2 penalty on slopes.", 0.0, 1e6
)
GROUPS = Knob(
    "attributes",
    "Group by",
    "columns",
    "Sensitive columns whose intersections form the groups; none selected means all of them.",
    expert=False,
    default=(),
)
SPARSE = Knob(
    "min_group_rows",
    "Smallest intersection (rows)",
    "int",
    "An intersection of attributes with fewer training rows is merged into the coarser group.",
    1,
    100000,
    1,
)
