"""The No harm page: the choice of FairSDE decided again, and the choice between systems."""
