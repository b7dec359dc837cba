"""The output of a sea trial: records, verdicts, baselines and reports. Imports neither `fixtures` nor `suites`."""
