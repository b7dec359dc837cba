"""Promises of tasks that find something in pictures and videos."""
