"""The records: schema, validation, JSON, and what a baseline compares."""
