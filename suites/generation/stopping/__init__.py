"""Does generation stop where it is told to?"""
