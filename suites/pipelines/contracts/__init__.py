"""One module per family of tasks; each states `CONTRACTS`."""
