"""Rotary position embeddings: declared settings, and the frequency tables in memory."""
