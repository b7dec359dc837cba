"""Promises of tasks whose labels the caller names."""
