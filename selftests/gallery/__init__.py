"""The defect gallery: each documented defect is caught by its check, and healthy subjects pass."""
