"""From records to a verdict: findings, bounds, reasons, the judge."""
