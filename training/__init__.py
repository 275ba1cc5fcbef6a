"""What makes the weights: encoders, heads, training, evaluation, export and the scikit-learn baseline."""
