"""Promises of tasks that write text."""
