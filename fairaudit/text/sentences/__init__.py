"""The sentences that hold the numbers, the same on a screen and in a report: one per page.

`**…**` marks what stands out; names from data are put in as they are and escaped where shown.
"""
