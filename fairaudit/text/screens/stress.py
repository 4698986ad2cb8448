"""What the page of stress tests says."""

from __future__ import annotations

NO_TESTS = (
    "No stress tests were run. On the Train page choose FairSDE and then “Stress tests”: "
    "shifted validation rows, wrong or missing groups, ablation of losses, a comparison of "
    "objectives, and the run time of the choice. For Fair MEDL, switch on “Stress test with "
    "probes” in expert mode."
)
MORE_TESTS = (
    "For shifted rows, ablation, objectives and run time, choose FairSDE and “Stress tests” "
    "on the Train page; for Fair MEDL, switch on “Stress test with probes” in expert mode."
)
