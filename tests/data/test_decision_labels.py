"""Whether a column can be read as a decision about an outcome: one test for doctor and audit."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import audit_predictions
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.decision_labels import OutcomeLabels, read_decision
from fairaudit.data.doctor.diagnosis import examine
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import FairauditWarning, InputError
from fairaudit.text.sentences.warnings import warning_sentences

RNG = np.random.default_rng(3)
N = 120
Y, P = RNG.integers(0, 2, N), RNG.integers(0, 2, N)
SEX = RNG.choice(["f", "m"], N)


@pytest.mark.parametrize(
    ("levels", "name", "target", "labels", "sure", "codes"),
    [
        (("yes", "no"), "decision", "hired", ("no", "yes"), True, {"yes": 1, "no": 0}),
        (("1", "0"), "decision", "hired", ("no", "yes"), True, {"1": 1, "0": 0}),
        (("true",), "decision", "colour", ("blue", "red"), False, {"true": 1, "false": 0}),
        (("oui", "non"), "decision", "fraude", ("conforme", "indu"), True, {"oui": 1, "non": 0}),
        (("oui", "non"), "decision", "fraude", ("conforme", "indu"), False, None),
        (("oui", "non"), "decision", "hired", ("yes", "no"), True, {"oui": 0, "non": 1}),
        (("ja", "nein"), "decision", "hired", ("no", "yes"), True, {"ja": 1, "nein": 0}),
        (("granted", "denied"), "decision", "repaid", ("no", "yes"), True,
         {"granted": 1, "denied": 0}),
        (("granted", "denied"), "decision", "loan_default", ("no", "yes"), True,
         {"granted": 0, "denied": 1}),  # who is granted is expected to pay
        (("a", "b"), "decision", "hired", ("no", "yes"), True, None),
        (("0", "1"), "decision", "code", ("1", "2"), True, None),
        (("no", "perhaps"), "decision", "hired", ("no", "yes"), True, None),
        (("x", "y", "z"), "decision", "hired", ("no", "yes"), True, None),
        (("1", "0"), "decision", "kind", ("cat", "dog", "eel"), True, None),
    ],
)  # fmt: skip
def test_labels_are_matched_only_where_that_is_sure(levels, name, target, labels, sure, codes):
    read = read_decision(levels, name, OutcomeLabels(target, labels, sure))
    assert (None if read is None else dict(read.codes)) == codes


CASES = [
    (("conforme", "indu"), ("non", "oui"), "indu", True),
    (("no", "yes"), ("nein", "ja"), None, True),
    (("no", "yes"), ("rejected", "approved"), None, True),
    (("no", "yes"), ("red", "blue"), None, False),
]


@pytest.mark.parametrize(("outcomes", "answers", "positive", "sure"), CASES)
@pytest.mark.parametrize("where", ["table", "counted", "python"])
def test_audits_match_labels_with_a_warning_or_refuse_them(
    where, outcomes, answers, positive, sure
) -> None:
    frame = pl.DataFrame(
        {"sex": SEX, "hired": np.array(outcomes)[Y], "decision": np.array(answers)[P]}
    )
    roles = ColumnRoles(
        target="hired", predictions=("decision",), sensitive=("sex",), positive=positive
    )
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=0, intersections=1)

    def python():
        return audit_predictions(
            frame["hired"], frame["decision"], sensitive_features=SEX, n_boot=0, positive=positive
        )

    run = {
        "table": lambda: run_audit(Dataset(frame, roles), spec),
        "counted": lambda: audit_table(frame.lazy(), roles, confidence=0.95, n_boot=0),
        "python": python,
    }[where]
    if not sure:
        with pytest.raises(InputError, match=r"use the (same two|target's labels, or 0 and 1)"):
            run()
        return
    if where == "python":
        with pytest.warns(FairauditWarning, match=f"'{answers[1]}' is read as '{outcomes[1]}'"):
            r = run()
    else:
        r = run()
    said = [w for w in warning_sentences(r.summary["warnings"]) if "is read as" in w]
    assert len(said) == 1
    assert f"is read as '{outcomes[1]}' and '{answers[0]}' as '{outcomes[0]}'" in said[0]
    tpr = r.errors.filter(metric="tpr", group="all")["value"].item()
    assert tpr == pytest.approx(P[Y == 1].mean())


@pytest.mark.parametrize(
    ("outcomes", "answers", "suggested"),
    [(("no", "yes"), ("nein", "ja"), True), (("no", "yes"), ("0", "1"), True),
     (("no", "yes"), ("red", "blue"), False), (("kaa", "zoo"), ("non", "oui"), False)],
)  # fmt: skip
def test_the_doctor_suggests_what_an_audit_reads(outcomes, answers, suggested) -> None:
    frame = pl.DataFrame(
        {"sex": SEX, "decision": np.array(answers)[P], "outcome": np.array(outcomes)[Y]}
    )
    found = examine(frame)
    assert (found.roles.predictions == ("decision",)) is suggested
    assert not [p for p in found.problems if p.severity == "error" and p.column == "decision"]


@pytest.mark.parametrize(
    ("name", "outcome", "turned"),
    [
        ("released", "failed_to_appear_arrest", True),
        ("approved", "default", True),
        ("fraud_flag", "repaid", True),
        ("fraud_flag", "fraud_confirmed", False),
        ("pred_approved", "default", False),
        ("decision", "default", False),
        ("approved", "y", False),
    ],
)
@pytest.mark.parametrize("labels", [("0", "1"), ("no", "yes")])
def test_yes_is_turned_where_it_is_good_and_the_outcome_bad(
    name: str, outcome: str, turned: bool, labels: tuple[str, str]
) -> None:
    read = read_decision(list(labels), name, OutcomeLabels(outcome, labels, True))
    assert read is not None
    assert read.codes == {labels[0]: int(turned), labels[1]: int(not turned)}
    assert bool(read.remark) == turned
