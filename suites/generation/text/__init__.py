"""Does the text come out as it was generated?"""
