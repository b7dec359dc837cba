"""Running a model in other dtypes: casting, finite values, precision."""
