"""Rows by suite and topic, like the checks in `suites/`. Every module is imported."""
