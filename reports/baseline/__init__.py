"""Saved records of an earlier run, and the comparison with them."""
