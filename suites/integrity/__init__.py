"""Is the checkpoint what it says?"""
