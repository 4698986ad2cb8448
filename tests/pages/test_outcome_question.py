"""Data: one visible question about the outcome, and where scores decide."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack, unpack
from tests.pages.conftest import Open, words

QUESTION = "What is the outcome, and what does it mean for a person?"


def table(**columns: list[str] | np.ndarray) -> bytes:
    """300 people with a sex, an age and what the test adds."""
    rng = np.random.default_rng(1)
    people = {"sex": rng.choice(["female", "male"], 300), "age": rng.integers(18, 80, 300)}
    return pl.DataFrame({**people, **columns}).write_csv().encode()


def labels(*values: str, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).choice(values, 300)


def on_data(workspace: Workspace, open_page: Open, content: bytes) -> tuple[AppTest, str]:
    sha256 = workspace.ingest(content, name="people.csv").sha256
    return open_page("data", data=sha256), f"roles-{sha256[:12]}"


def meaning(app: AppTest) -> object:
    return next(g for g in app.segmented_control if "-meaning-" in str(g.key))


def accepted(app: AppTest) -> ColumnRoles:
    app.button(key="accept").click().run()
    assert not app.exception
    roles = unpack(app.query_params["roles"])
    assert roles is not None
    return roles


@pytest.mark.parametrize(
    ("column", "values", "positive", "meant", "reads"),
    [
        ("two_year_recid", ("0", "1"), "1", "bad", "wrongly flags"),
        ("hired", ("no", "yes"), "yes", "good", "wrongly rejects"),
        ("loan_default", ("0", "1"), "1", "bad", "who did not default"),
        ("admitted", ("nein", "ja"), "ja", "good", "who were admitted"),
    ],
)
def test_the_question_is_answered_beforehand_where_words_decide(
    workspace: Workspace, open_page: Open,
    column: str, values: tuple[str, ...], positive: str, meant: str, reads: str,
) -> None:  # fmt: skip
    app, _ = on_data(workspace, open_page, table(**{column: labels(*values)}))
    assert not app.exception
    assert QUESTION in [h.value for h in app.header]
    assert reads in words(app)
    assert "Suggested because" in words(app)
    assert "avourable" not in words(app)
    roles = accepted(app)
    assert (roles.target, roles.positive, roles.meaning) == (column, positive, meant)
    assert app.title[0].value == "Train"


def test_the_example_changes_with_the_answer(workspace: Workspace, open_page: Open) -> None:
    app, _ = on_data(workspace, open_page, table(hired=labels("no", "yes")))
    meaning(app).set_value("bad").run()
    assert "wrongly flags" in words(app)
    meaning(app).set_value("neutral").run()
    assert "mistakes" in words(app)
    assert accepted(app).meaning == "neutral"


def test_what_no_word_decides_is_asked_and_not_guessed(
    workspace: Workspace, open_page: Open
) -> None:
    app, key = on_data(workspace, open_page, table(result=labels("1", "2")))
    app.selectbox(key=f"{key}-target").set_value("result").run()
    assert "Please confirm" in words(app)
    app.button(key="accept").click().run()
    assert not app.exception
    assert app.title[0].value == "Data"
    said = " ".join(e.value for e in app.error)
    assert "choose the label that is predicted" in said
    assert "good, bad or neither" in said
    app.selectbox(key=f"{key}-positive-result").set_value("2").run()
    meaning(app).set_value("bad").run()
    roles = accepted(app)
    assert (roles.positive, roles.meaning) == ("2", "bad")


def test_decisions_without_an_outcome_go_to_the_audit(
    workspace: Workspace, open_page: Open
) -> None:
    app, key = on_data(workspace, open_page, table(decision=labels("rejected", "selected")))
    app.selectbox(key=f"{key}-target").set_value("\0no outcome").run()
    app.multiselect(key=f"{key}-predictions").set_value(["decision"]).run()
    app.multiselect(key=f"{key}-features").set_value([]).run()
    assert "selected least" in words(app).replace("**", "").replace("<strong>", "").replace(
        "</strong>", ""
    )
    roles = accepted(app)
    assert roles.target is None
    assert (roles.positive, roles.meaning) == ("selected", "good")
    assert app.title[0].value == "Audit"


def test_no_outcome_and_no_decision_is_said_to_be_missing(
    workspace: Workspace, open_page: Open
) -> None:
    app, key = on_data(workspace, open_page, table())
    assert app.selectbox(key=f"{key}-target").value is None
    app.button(key="accept").click().run()
    assert "choose the outcome" in " ".join(e.value for e in app.error)


def scored(high: int) -> bytes:
    rng = np.random.default_rng(4)
    return table(
        two_year_recid=labels("0", "1"), risk_score=rng.integers(1, high + 1, 300).astype(str)
    )


def test_a_table_with_scores_only_is_asked_for_a_cut_and_goes_to_the_audit(
    workspace: Workspace, open_page: Open
) -> None:
    app, key = on_data(workspace, open_page, scored(10))
    slider = app.slider(key=f"{key}-cut-risk_score")
    assert (slider.min, slider.max, slider.step) == (1, 10, 1)
    assert "of the rows are flagged by risk_score" in words(app).replace("<strong>", "").replace(
        "</strong>", ""
    )
    slider.set_value(8).run()
    roles = accepted(app)
    assert roles.cuts == {"risk_score": Cut(at=8.0)}
    assert roles.predictions == ()
    assert app.title[0].value == "Audit"


def test_the_cut_starts_where_another_column_shows_it(
    workspace: Workspace, open_page: Open
) -> None:
    risk = np.random.default_rng(4).integers(1, 11, 300)
    shown = table(
        two_year_recid=labels("0", "1"),
        risk_score=risk.astype(str),
        held_back=np.where(risk >= 7, "yes", "no"),
    )
    app, key = on_data(workspace, open_page, shown)
    assert app.slider(key=f"{key}-cut-risk_score").value == 7
    assert "is at least 7" in " ".join(c.value for c in app.caption)
    assert accepted(app).cuts == {"risk_score": Cut(at=7.0)}


def test_low_scores_select_where_they_go_with_the_predicted_label(
    workspace: Workspace, open_page: Open
) -> None:
    recid = labels("0", "1")
    safety = np.where(recid == "1", 3, 7) + np.random.default_rng(4).integers(-2, 3, 300)
    app, _ = on_data(workspace, open_page, table(two_year_recid=recid, safety_score=safety))
    cut = accepted(app).cuts["safety_score"]
    assert (cut.side, cut.at < 7) == ("below", True)


def test_a_side_that_no_words_tell_is_to_be_confirmed(
    workspace: Workspace, open_page: Open
) -> None:
    recid = labels("0", "1")
    rank = np.where(recid == "1", 3, 7) + np.random.default_rng(4).integers(-2, 3, 300)
    shown = table(two_year_recid=recid, ai_rank=rank, band=np.where(rank >= 6, "a", "b"))
    app, key = on_data(workspace, open_page, shown)
    app.multiselect(key=f"{key}-scores").set_value(["ai_rank"]).run()
    assert "nothing says which side selects" in " ".join(c.value for c in app.caption)
    assert "Please confirm" in words(app)


def test_a_recruiters_decision_leaves_the_score_of_a_machine_to_be_cut(
    workspace: Workspace, open_page: Open
) -> None:
    scores = np.random.default_rng(4).integers(1, 101, 300)
    both = table(
        hired=labels("no", "yes"), recruiter_decision=labels("no", "yes", seed=9), ai_score=scores
    )
    app, key = on_data(workspace, open_page, both)
    app.slider(key=f"{key}-cut-ai_score").set_value(60).run()
    assert accepted(app).cuts == {"ai_score": Cut(at=60.0)}


def test_a_cut_that_flags_nearly_everybody_is_warned_of(
    workspace: Workspace, open_page: Open
) -> None:
    app, key = on_data(workspace, open_page, scored(1000))
    slider = app.slider(key=f"{key}-cut-risk_score")
    slider.set_value(slider.min).run()
    assert "Nearly all are flagged" in words(app)


def test_the_outcome_may_be_known_for_some_only(workspace: Workspace, open_page: Open) -> None:
    content = table(repaid=labels("no", "yes"), granted=labels("no", "yes", seed=5))
    app, key = on_data(workspace, open_page, content)
    app.selectbox(key=f"{key}-target").set_value("repaid").run()  # asked: either may be it
    known_for = next(s for s in app.selectbox if str(s.key).endswith("-known-for"))
    known_for.set_value("granted").run()
    roles = accepted(app)
    assert (roles.target, roles.known_for) == ("repaid", "granted")
    assert "granted" not in roles.features


def test_a_primary_question_is_declared_before_the_first_audit(
    workspace: Workspace, open_page: Open
) -> None:
    both = table(hired=labels("no", "yes"), decision=labels("no", "yes", seed=9))
    app, key = on_data(workspace, open_page, both)
    app.selectbox(key=f"{key}-primary-metric").set_value("tpr").run()
    app.selectbox(key=f"{key}-primary-group-sex").set_value("female").run()
    accepted(app)
    [job] = workspace.jobs()
    asked = workspace.spec(job.id).audit.primary
    assert asked is not None
    assert (asked.metric, asked.attribute, asked.group) == ("tpr", "sex", "female")
    assert "tpr" in str(app.query_params["primary"])


def test_a_question_about_a_column_that_is_gone_is_not_asked(
    workspace: Workspace, open_page: Open
) -> None:
    both = table(hired=labels("no", "yes"), decision=labels("no", "yes", seed=9))
    sha256 = workspace.ingest(both, name="people.csv").sha256
    roles = ColumnRoles(target="hired", predictions=("decision",), sensitive=("sex",))
    asked = '{"metric": "tpr", "attribute": "age"}'
    app = open_page("audit", data=sha256, roles=pack(roles), primary=asked)
    assert not app.exception
    [job] = workspace.jobs()
    assert workspace.spec(job.id).audit.primary is None


def test_an_outcome_that_only_stands_last_is_asked(workspace: Workspace, open_page: Open) -> None:
    rng = np.random.default_rng(3)
    zz = labels("0", "1")
    after = np.where(zz == "1", rng.normal(5, 1, 300), rng.normal(0, 1, 300))
    app, key = on_data(workspace, open_page, table(known_after=after, zz=zz))
    assert app.selectbox(key=f"{key}-target").value is None
    assert any("Possibly 'zz' is the outcome" in c.value for c in app.caption)
    app.button(key="accept").click().run()
    assert "choose the outcome" in app.error[0].value
    app.selectbox(key=f"{key}-target").set_value("zz").run()
    assert not app.exception
    meaning(app).set_value("bad").run()
    roles = accepted(app)
    assert (roles.target, roles.positive, roles.meaning) == ("zz", "1", "bad")
    assert "known_after" not in roles.features
