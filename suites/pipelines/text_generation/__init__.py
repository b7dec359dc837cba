"""Checks of text generation through the pipeline."""
