"""Checks of zero-shot tasks, whose labels the caller chooses."""
