"""Checks that two ways to compute the same tokens or logits agree."""
