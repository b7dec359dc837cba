"""Checks of detection, segmentation and classification in images and videos."""
