"""Rows by suite and topic, as the checks lie in `suites/`. Every module below is imported."""
