"""The upgrade check: the same suites in two isolated environments, and the changes between the two runs.

This process imports no library under test: each side is a process of its own.
"""
