"""Checks that saving, loading and resizing do not change the model."""
