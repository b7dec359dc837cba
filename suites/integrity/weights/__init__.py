"""Checks of the stored weights: complete, finite, in order, tied as declared, and loaded as stored."""
