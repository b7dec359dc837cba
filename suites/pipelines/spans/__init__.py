"""Checks of tasks that answer with spans of a text."""
