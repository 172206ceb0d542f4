"""Adapter for the Cisco Meeting Server API; implements Bridge."""
