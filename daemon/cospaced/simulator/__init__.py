"""A Cisco Meeting Server simulator: serves tests, the demo and trials by hand."""
