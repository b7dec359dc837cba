"""Checks that sampling settings have their documented effect."""
