"""The parts of the baseline's training: the lexicon, targets from gold annotations, and fitting with held-out folds."""
