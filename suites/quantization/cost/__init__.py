"""Costs of a variant: time, memory, energy."""
