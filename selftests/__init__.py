"""Proof that the suite works: the defect gallery, runs of pytest in pytest, the report in a real browser."""
