"""Pure statistics on arrays: intervals, gaps, resampling and paired bounds."""
