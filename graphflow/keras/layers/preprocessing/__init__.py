"""Layers that prepare data: numbers, categories, text, sound and images."""
