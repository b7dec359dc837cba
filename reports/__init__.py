"""What comes out: records, verdicts, baselines and reports. Imports neither `fixtures` nor `suites`."""
