"""The stored weights: complete, finite, tied as declared, and what was loaded."""
