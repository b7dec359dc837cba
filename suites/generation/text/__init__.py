"""Checks of prompts and text around generation: masks, pipelines, streamers."""
