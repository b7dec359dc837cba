"""Does the model behave like one that was trained?"""
