"""Shipped policies, one TOML file each. Load one with :func:`bus_toolkit.load_policy`."""
