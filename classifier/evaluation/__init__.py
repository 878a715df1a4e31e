"""Honest figures: what a model would have shown, and how often it was right."""
