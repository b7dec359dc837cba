"""Comparison of a variant with the full model on the same tokens."""
