"""The upgrade check: the same suite in two isolated environments, and what differs between the two runs.

Nothing of the libraries under test is imported here: the two sides are processes of their own.
"""
