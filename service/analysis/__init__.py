"""From the text of an Arabic news article to its topics, actors, statements and stances.

Imports neither bentoml, torch nor transformers. ``analyzer.py`` states the order of the steps.
"""
