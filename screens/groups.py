"""Groups: who is in which latent group, how sharply, and what sets the groups apart."""

from __future__ import annotations

from fairaudit.plots import errors, groups
from fairaudit.ui import choices, layout, opened

VIEWS = ("Profile", "Errors", "Overlap", "Membership", "Projection")

audit = opened.open_audit("groups")
found = opened.require(
    audit,
    "groups",
    "Its method finds no latent groups. ROME does: train it on the same data to see them.",
)
result = audit.result
sizes = groups.sizes(found)
layout.page("groups", sizes.alt)
layout.chart(sizes, key="sizes")
layout.numbers(found, key="groups-table", name="groups")
view = choices.view(VIEWS)

if view == "Profile":
    profile = result.tables.get("group_profile")
    if profile is None:
        layout.quiet("This audit holds no profile of the groups.")
    else:
        drawn = groups.profile(profile)
        layout.says(drawn.alt)
        layout.chart(drawn, key="profile")
elif view == "Errors":
    places = choices.row(3)
    with places[0]:
        metric = choices.metric(result)
    with places[1]:
        model = choices.model(result)
    with places[2]:
        split = choices.split(result)
    drawn = errors.by_group(
        result, attribute=groups.LATENT, metric=metric, split=split, models=[model]
    )
    layout.says(drawn.alt)
    layout.chart(drawn, key="latent-errors")
elif view == "Overlap":
    overlap = result.tables.get("overlap")
    if overlap is None:
        layout.quiet("This audit holds no overlap with declared attributes.")
    else:
        by = choices.one_of("Attribute", overlap["attribute"].unique().sort().to_list(), key="by")
        drawn = groups.overlap(overlap, attribute=by)
        layout.says(drawn.alt)
        layout.chart(drawn, key="overlap")
elif view == "Membership" and result.latent is not None:
    drawn = groups.membership(result.latent)
    layout.says(drawn.alt)
    layout.chart(drawn, key="membership")
elif "projection" in result.tables:
    drawn = groups.projection(result.tables["projection"])
    layout.says(drawn.alt)
    layout.chart(drawn, key="projection")
else:
    layout.quiet("This audit holds nothing to show here.")

layout.how(
    "Groups were found on training rows and are judged on held-out rows only. A rule is a "
    "shallow tree fitted to membership; its *fidelity* is the balanced agreement on rows the "
    "rule was not made from: 0.5 is a coin, 1 is perfect. The *entropy* is 0 where every row "
    "belongs to one group for sure, 1 where membership is a guess.",
    formula=r"P(z=j \mid s) = \operatorname{softmax}_j(\gamma_j \cdot [1, s])",
    command=audit.command,
)
layout.next_step("groups")
