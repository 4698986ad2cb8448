"""Fair MEDL: mixed-effects networks with debiasing."""
