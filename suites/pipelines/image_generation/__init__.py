"""Promises of tasks that draw."""
