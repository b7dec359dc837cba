"""Contracts of pipeline tasks: the type, the registry, and helpers of several contracts."""
