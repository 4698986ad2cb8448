"""Effects: what each cluster adds, and how the model performs in clusters it has not seen."""

from __future__ import annotations

from fairaudit.plots import effects
from fairaudit.text.screens import effects as wording
from fairaudit.text.sentences.effects import effects_lead
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.start_page()

audit = result_page.open_audit("effects")
table = result_page.required_table(
    audit,
    "effects",
    wording.NO_CLUSTERS,
)
layout.header("effects", effects_lead(audit.result))
voice = voice_of(audit.result)
view = url_widgets.view(effects.views(audit.result))

shown = None
if view == "Clusters":
    effect = url_widgets.one_of("Effect", effects.kinds(table), key="effect", start="intercept")
    layout.chart(effects.caterpillar(table, effect=effect, voice=voice).bare(), key="caterpillar")
    layout.data_table(effects.of_kind(table, effect), key="effects-table", name="effects")
elif view == "Fixed and mixed" and (clusters := audit.table("clusters")) is not None:
    metric = url_widgets.one_of("Metric", effects.cluster_metrics(clusters), key="cluster-metric")
    shown = effects.by_cluster(clusters, metric=metric, voice=voice)
elif view == "Seen and unseen":
    metric = url_widgets.metric(audit.result)
    shown = effects.seen_and_unseen(audit.result, metric=metric)
elif view == "Importance" and (importance := audit.table("importance")) is not None:
    shown = effects.importance(importance)
elif view == "Variance" and (variance := audit.table("variance")) is not None:
    shown = effects.variance(variance)
elif view == "Search" and (trials := audit.table("search")) is not None:
    shown = effects.search(trials)
elif view == "Debiasing" and (path := audit.table("path")) is not None:
    qualities, unfairness_metrics = effects.path_metrics(path)
    left, right, third = url_widgets.row(3)
    with left:
        quality = url_widgets.one_of("Quality", qualities, key="quality")
    with right:
        unfairness = url_widgets.one_of("Unfairness", unfairness_metrics, key="unfairness")
    with third:
        split = url_widgets.one_of(
            "Evaluated on", path["split"].unique().sort().to_list(), key="path-rows"
        )
    shown = effects.path(path, quality=quality, unfairness=unfairness, split=split, voice=voice)

if shown is not None:
    layout.described_chart(shown, key=view.lower().replace(" ", "-"))
for hint in effects.hints(audit.result):
    layout.note(hint)

layout.computation(
    wording.HOW,
    formula=r"\hat y_M = \operatorname{link}\left(h_F(x) + b(z) + \sum_j x_j u_j(z)\right)",
    outcome=audit.outcome,
    command=audit.command,
)
layout.next_step("effects", audit.result.tables)
