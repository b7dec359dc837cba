"""Are tokens chosen as the settings say?"""
