"""Checks of generation: equivalent ways agree, tokens are sampled as set, and generation stops as configured."""
