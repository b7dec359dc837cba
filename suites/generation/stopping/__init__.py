"""Checks that generation stops as configured."""
