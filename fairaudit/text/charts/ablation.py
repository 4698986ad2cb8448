"""What the charts of an ablation of the losses say in words."""

from __future__ import annotations

ONE_TRAINING = (
    "Each model was trained once: intervals reflect the sampling of rows, not the variation "
    "between training runs, so small differences are not meaningful."
)
NO_ABLATION = "This audit has no ablation of the losses."
UNTIMED = "The run time of the choice was not measured."


def ablation(
    measure: str,
    split: str,
    complete: str,
    combinations: int,
    lowest: str,
    highest: str,
    harm: int,
) -> str:
    """The range over all combinations of losses and selection rules."""
    return (
        f"{measure} on {split} rows with all three losses: {complete}. Over "
        f"all {combinations} combinations it ranges from {lowest} to {highest}. "
        f"Combinations that harm a group beyond its bound: {harm}. {ONE_TRAINING}"
    )


def no_objective(rule: str, split: str) -> str:
    """Nothing was measured for a selection rule on a split."""
    return f"No objective was evaluated {rule} on {split} rows."


def objectives(rule: str, split: str, before: str, parts: str) -> str:
    """The gap of the baseline and after the choice with each objective."""
    return f"Choice {rule}: the gap on {split} rows is {before} for the baseline; {parts}."


def run_time(longest: str, most: int, shortest: str, fewest: int) -> str:
    """How long the choice took with the most and the fewest groups."""
    return (
        f"The choice took {longest} with {most} groups and "
        f"{shortest} with {fewest} groups (slowest objective)."
    )
