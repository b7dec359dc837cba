"""Helpers that use a loaded model: generate, forward, compare runs, rounding, copies."""
