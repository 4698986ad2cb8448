"""The warnings of an audit in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fairaudit.stats.metric_definitions import CUT
from fairaudit.text.sentences.phrases import Row

_SELECTS = {"good": "selects", "bad": "flags", "neutral": "marks"}


def warning_sentences(warnings: Iterable[object]) -> list[str]:
    """Stored warnings in words, each once."""
    return list(dict.fromkeys(map(warning_sentence, warnings)))


def warning_sentence(warning: object) -> str:
    """One stored warning in words; text, as estimators and older results store it, stays."""
    if not isinstance(warning, Mapping):
        return str(warning)
    code = str(warning["code"])
    return _SENTENCES[code](warning) if code in _SENTENCES else f"{code.replace('_', ' ')}."


def _choice_suppressed(facts: Row) -> str:
    return (
        "Groups are suppressed in this audit, so the no-harm choice is shown only for groups that "
        "are shown elsewhere; alternatives, gaps before and after the choice and stress tests are "
        "left out. To see the whole choice, suppress no group, or merge small groups."
    )


def _class_without_training_rows(facts: Row) -> str:
    classes = ", ".join(f"'{name}'" for name in facts["classes"])
    return (
        f"{facts['rows']:,} validation rows are of a class without training rows ({classes}); "
        "they took no part in fitting."
    )


def _cut_assumed(facts: Row) -> str:
    name = facts["score"]
    return f"Score '{name}' has no stated cut, so {CUT} was assumed; state it with --cut {name}=…."


def _cut_at_median(facts: Row) -> str:
    return (
        f"Score '{facts['score']}' has no cut of its own: as the scoring rate of Local Law 144 "
        f"does, rows above the median count as selected (at or above {facts['cut']:g})."
    )


def _cut_doubtful(facts: Row) -> str:
    name, sign = facts["score"], "≥" if facts["side"] == "above" else "≤"
    return (
        f"Score '{name}' {_SELECTS[facts['meaning']]} {100 * facts['share']:.1f}% of all rows at "
        f"{sign} {facts['cut']:g}; it runs from {facts['low']:g} to {facts['high']:g}: check the "
        f"cut (--cut {name}=…)."
    )


def _groups_without_training_rows(facts: Row) -> str:
    return (
        f"{facts['rows']} rows belong to groups without training rows; the baseline predicts them."
    )


def _labels_matched(facts: Row) -> str:
    return f"{facts['remark']}."


def _merge_offered(facts: Row) -> str:
    names = ", ".join(f"'{name}'" for name in facts["attributes"])
    return (
        f"Groups of {names} are hidden or too small to be judged. To audit them together as one "
        f'group, merge the groups under {facts["below"]:,} rows ("Merge groups under" in the '
        f"settings, --merge-below {facts['below']}); 0 undoes it."
    )


def _outcome_known_for_some(facts: Row) -> str:
    return (
        f"The outcome is known only where '{facts['column']}' says so: models learn from those "
        "rows and are judged on them, and nothing is said of the others."
    )


def _positive_class_guessed(facts: Row) -> str:
    remark = str(facts["remark"])
    return f"{remark[:1].upper()}{remark[1:]}."


def _rows_left_out(facts: Row) -> str:
    return f"{facts['rows']:,} rows were left out: {facts['reason']}."


def _score_reversed(facts: Row) -> str:
    turned = "<=" if facts["side"] == "above" else ">="
    remedy = (
        f"If the direction is the other one, say so: --cut '{facts['score']}{turned}…'."
        if facts["own_cut"]
        else "Check that this score belongs to these decisions."
    )
    return (
        f"The score of '{facts['score']}' ranks the positive class below the other one: the "
        f"interval of its AUROC ends at {facts['auroc_high']:.2f}. {remedy}"
    )


def _scores_rounded(facts: Row) -> str:
    return f"Scores of '{facts['score']}' were rounded to {facts['digits']} digits in the source."


def _thresholds_not_tuned(facts: Row) -> str:
    return f"Threshold 0.5 in groups without both classes: {', '.join(facts['groups'])}."


def _thresholds_of_other_half(facts: Row) -> str:
    return "Validation rows are labelled by thresholds that the other half of them chose."


def _weights_not_in_choice(facts: Row) -> str:
    return (
        f"Row weights do not enter the choice by '{facts['metric']}', which counts rows; choose "
        "by accuracy to have them count."
    )


_SENTENCES: Mapping[str, Callable[[Row], str]] = {
    "choice_suppressed": _choice_suppressed,
    "class_without_training_rows": _class_without_training_rows,
    "cut_assumed": _cut_assumed,
    "cut_at_median": _cut_at_median,
    "cut_doubtful": _cut_doubtful,
    "groups_without_training_rows": _groups_without_training_rows,
    "labels_matched": _labels_matched,
    "merge_offered": _merge_offered,
    "outcome_known_for_some": _outcome_known_for_some,
    "positive_class_guessed": _positive_class_guessed,
    "rows_left_out": _rows_left_out,
    "score_reversed": _score_reversed,
    "scores_rounded": _scores_rounded,
    "thresholds_not_tuned": _thresholds_not_tuned,
    "thresholds_of_other_half": _thresholds_of_other_half,
    "weights_not_in_choice": _weights_not_in_choice,
}
