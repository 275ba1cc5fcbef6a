"""The parts of the scikit-learn baseline: words, a lexicon, and one module for each thing it finds."""
