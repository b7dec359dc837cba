"""Contracts, one module per family of tasks: each states one or several as `CONTRACTS`."""
