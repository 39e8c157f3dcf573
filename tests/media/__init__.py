"""Promises of `media`."""
