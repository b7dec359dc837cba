"""Checks of image generation."""
