"""Checks that outputs are finite numbers in every dtype, at every length, and with padding."""
