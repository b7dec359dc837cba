"""Contracts, one module per task or family of tasks: each defines a tuple `CONTRACTS`."""
