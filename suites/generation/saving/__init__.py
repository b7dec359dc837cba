"""Does the model survive being saved and changed?"""
