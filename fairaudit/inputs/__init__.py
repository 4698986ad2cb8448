"""The one way in: whatever container users pass becomes named columns, labels and numbers here.

Nothing here imports pandas, pyarrow or torch: their objects are recognised by what they offer.
"""
