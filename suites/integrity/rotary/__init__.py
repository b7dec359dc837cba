"""Rotary position embeddings: the settings that are in force, and the tables made from them."""
