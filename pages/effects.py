"""Effects: what each cluster adds, and whether the answers hold where no cluster was seen."""

from __future__ import annotations

from fairaudit.plots import effects
from fairaudit.text import leads
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("effects")
table = result_page.require(
    audit,
    "effects",
    "Its method knows no clusters. Fair MEDL does: choose a cluster column such as a site or a "
    "school on the Data page, and train it.",
)
layout.page("effects", leads.effects_lead(audit.result))
view = url_widgets.view(effects.views(audit.result))

shown = None
if view == "Clusters":
    kinds = effects.kinds(table)
    effect = url_widgets.one_of("Effect", kinds, key="effect", start="intercept")
    layout.chart(effects.caterpillar(table, effect=effect).bare(), key="caterpillar")
    layout.data_table(effects.of_kind(table, effect), key="effects-table", name="effects")
elif view == "Fixed and mixed" and (clusters := audit.table("clusters")) is not None:
    metric = url_widgets.one_of("Metric", effects.cluster_metrics(clusters), key="cluster-metric")
    shown = effects.by_cluster(clusters, metric=metric)
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
    good, unfair = effects.path_metrics(path)
    left, right, third = url_widgets.row(3)
    with left:
        quality = url_widgets.one_of("Quality", good, key="quality")
    with right:
        unfairness = url_widgets.one_of("Unfairness", unfair, key="unfairness")
    with third:
        split = url_widgets.one_of(
            "Rows", path["split"].unique().sort().to_list(), key="path-rows"
        )
    shown = effects.path(path, quality=quality, unfairness=unfairness, split=split)

if shown is not None:
    layout.told(shown, key=view.lower().replace(" ", "-"))
for lack in effects.lacks(audit.result):
    layout.quiet(lack)

layout.how(
    "The fixed effects are what holds in every cluster; each cluster adds its own intercept and "
    "slopes, drawn towards zero where it has few rows. Intervals are those of the posterior. "
    "*Mixed* answers use the cluster, *fixed* answers do not. Without a cluster the two are the "
    "same. The *variance* is that of effects on the scale of the link; for yes or no the residual "
    "is that of the logistic, π²/3, and the ICC leaves slopes out. A *search* tries weights of "
    "the five losses and takes the fairest trial whose error is within the budget of the least.",
    formula=r"\hat y_M = \operatorname{link}\left(h_F(x) + b(z) + \sum_j x_j u_j(z)\right)",
    command=audit.command,
)
layout.next_step("effects", audit.result.tables)
