"""Changes that rows make to the files of a subject, or to what was loaded from it."""
