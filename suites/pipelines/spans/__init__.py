"""Promises of tasks that cut pieces out of a text."""
