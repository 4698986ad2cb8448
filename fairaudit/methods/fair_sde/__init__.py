"""FairSDE: an expert for each group and a no-harm choice."""
