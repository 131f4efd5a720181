"""overlays/engines."""
