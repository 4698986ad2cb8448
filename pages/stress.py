"""Stress: do the results hold when data shift, losses are left out, or clusters mislead?"""

from __future__ import annotations

from fairaudit.plots import ablation, errors, stress
from fairaudit.report import choices
from fairaudit.text import table_rows
from fairaudit.text.screens import stress as wording
from fairaudit.text.sentences.stress import FORMULAS, flip_measure, guessed_lead, how, stress_lead
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.start_page()

audit = result_page.open_audit("stress")
result, voice = audit.result, voice_of(audit.result)
tables = table_rows.stress_tables(result.tables)
views = stress.views(tables, guessed=bool(result.summary.get("guessed_groups")))
if not views:
    result_page.nothing_to_show(
        audit,
        "stress",
        wording.NO_TESTS,
    )
layout.header("stress", stress_lead(result))
view = url_widgets.view(views)

if view == "Shift":
    table = tables["stress_shift"]
    left, right = url_widgets.row(2)
    with left:
        group = url_widgets.one_of(
            "Group whose rows shift", stress.shifted_groups(table), key="group"
        )
    with right:
        kind = url_widgets.one_of(
            "Kind of shift", list(stress.SHIFTS), key="how", format_func=stress.SHIFTS.__getitem__
        )
    drawn = stress.shift(table, group=group, kind=kind)
elif view == "Wrong groups":
    kind = url_widgets.one_of(
        "Kind of error", list(stress.WRONG), key="wrong", format_func=stress.WRONG.__getitem__
    )
    drawn = stress.wrong_groups(tables["stress_groups"], kind=kind, voice=voice)
elif view == "Ablation":
    measure = url_widgets.one_of(
        "Measure",
        list(ablation.MEASURES),
        key="measure",
        format_func=ablation.MEASURES.__getitem__,
    )
    drawn = ablation.by_loss(tables["stress_ablation"], measure=measure, voice=voice)
elif view == "Objectives":
    table = tables["stress_objectives"]
    left, right = url_widgets.row(2)
    with left:
        rule = url_widgets.one_of(
            "Rule of the choice",
            list(table_rows.RULES),
            key="rule",
            format_func=table_rows.RULES.__getitem__,
        )
    with right:
        known = table["split"].unique().sort().to_list()
        split = url_widgets.one_of(
            "Evaluated on", known, key="rows", format_func=url_widgets.split_label
        )
    drawn = ablation.objectives(table, rule=rule, split=split, voice=voice)
elif view == "Time":
    drawn = ablation.time(tables["stress_time"])
elif view == "Flips":
    known = table_rows.flip_measures(tables["flips"])
    measure = url_widgets.one_of("What changes", known, key="moves", format_func=flip_measure)
    drawn = stress.flips(tables["flips"], measure=measure, voice=voice)
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
        split=choices.main_split(result),
        models=table_rows.told_and_guessed(result),
    )
    layout.statement(guessed_lead(result))

layout.described_chart(drawn.bare(), key=view.lower().replace(" ", "-"))
rows = errors.readable(drawn.table) if view == "Group not known" else drawn.table
layout.data_table(rows, key="stress-table", name=f"stress-{view.lower().replace(' ', '-')}")
if "stress_shift" not in tables and "probes" not in tables:
    layout.note(wording.MORE_TESTS)

layout.computation(
    how(view, result), formula=FORMULAS.get(view), outcome=audit.outcome, command=audit.command
)
layout.next_step("stress", result.tables)
