"""Tests mirror the folders; `support` holds what they share."""
