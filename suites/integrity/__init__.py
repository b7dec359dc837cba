"""Checks of the checkpoint: files, config, weights, and whether they belong together."""
