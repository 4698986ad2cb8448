"""Stress: what the answers are worth when data shift, parts are left out, or clusters mislead."""

from __future__ import annotations

from fairaudit.plots import ablation, errors, stress
from fairaudit.report import choices as first
from fairaudit.report.stress import FORMULAS, HOW
from fairaudit.text import leads, table_rows
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("stress")
result = audit.result
tables = table_rows.held(result.tables)
views = stress.views(tables, guessed=bool(result.summary.get("guessed_groups")))
if not views:
    result_page.nothing(
        audit,
        "stress",
        "It was not stressed. On the Train page choose FairSDE and then “Stress tests”: shifted "
        "validation rows, wrong or missing groups, losses left out, objectives side by side, "
        "and the time of the choice. For Fair MEDL, switch on “Stress test with probes” "
        "in expert mode.",
    )
layout.page("stress", leads.stress_lead(result))
view = url_widgets.view(views)

if view == "Shift":
    table = tables["stress_shift"]
    left, right = url_widgets.row(2)
    with left:
        group = url_widgets.one_of("Whose rows shift", stress.shifted_groups(table), key="group")
    with right:
        kind = url_widgets.one_of(
            "How", list(stress.SHIFTS), key="how", words=stress.SHIFTS.__getitem__
        )
    drawn = stress.shift(table, group=group, kind=kind)
elif view == "Wrong groups":
    kind = url_widgets.one_of(
        "What is wrong", list(stress.WRONG), key="wrong", words=stress.WRONG.__getitem__
    )
    drawn = stress.wrong_groups(tables["stress_groups"], kind=kind)
elif view == "Ablation":
    measure = url_widgets.one_of(
        "Measure", list(ablation.MEASURES), key="measure", words=ablation.MEASURES.__getitem__
    )
    drawn = ablation.by_loss(tables["stress_ablation"], measure=measure)
elif view == "Objectives":
    table = tables["stress_objectives"]
    left, right = url_widgets.row(2)
    with left:
        rule = url_widgets.one_of(
            "Chosen", list(table_rows.RULES), key="rule", words=table_rows.RULES.__getitem__
        )
    with right:
        known = table["split"].unique().sort().to_list()
        split = url_widgets.one_of("Rows", known, key="rows", words=url_widgets.rows_in_words)
    drawn = ablation.objectives(table, rule=rule, split=split)
elif view == "Time":
    drawn = ablation.time(tables["stress_time"])
elif view == "Flips":
    known = table_rows.flip_measures(tables["flips"])
    measure = url_widgets.one_of("What moves", known, key="moves", words=leads.flip_measure)
    drawn = stress.flips(tables["flips"], measure=measure)
elif view == "Probes":
    drawn = stress.probes(tables["probes"])
else:
    left, right = url_widgets.row(2)
    with left:
        attribute = url_widgets.attribute(result)
    with right:
        metric = url_widgets.metric(result)
    drawn = errors.by_group(
        result,
        attribute=attribute,
        metric=metric,
        split=first.main_split(result),
        models=table_rows.told_and_guessed(result),
    )
    layout.says(leads.guessed_lead(result))

layout.told(drawn.bare(), key=view.lower().replace(" ", "-"))
shown = errors.readable(drawn.table) if view == "Group not known" else drawn.table
layout.data_table(shown, key="stress-table", name=f"stress-{view.lower().replace(' ', '-')}")
if "stress_shift" not in tables and "probes" not in tables:
    layout.quiet(
        "Shifted rows, losses left out, objectives side by side and the time of the choice come "
        "with “Stress tests” of FairSDE on the Train page; for Fair MEDL, switch on “Stress test "
        "with probes” in expert mode."
    )

layout.how(HOW[view], formula=FORMULAS.get(view), command=audit.command)
layout.next_step("stress", result.tables)
