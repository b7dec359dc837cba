"""Checks of greedy answers to real questions."""
