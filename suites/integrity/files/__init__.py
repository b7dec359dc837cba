"""Checks of the files in the model directory: code, pickles, links, leftover copies."""
