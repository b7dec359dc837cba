"""The defect gallery: healthy subjects pass, and each documented defect is caught by the check that names it."""
