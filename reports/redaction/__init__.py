"""Secrets and home directories, redacted in everything that is written."""
