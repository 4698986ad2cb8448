"""What all estimators share: designs, networks, the training loop, storage, progress."""
