"""How fast the analyzer and the service are, beside what else one could run: ``python -m training bench``.

Compares ratios within one run on one machine, never absolute times. Knows nothing about how good the answers are.
"""
