"""Checks and measures of the quality of a model's predictions and answers."""
