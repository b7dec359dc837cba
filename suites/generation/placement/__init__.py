"""Checks of device maps and of repeated calls."""
