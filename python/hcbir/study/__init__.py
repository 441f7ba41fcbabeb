"""Datasets, evaluation and reports."""
