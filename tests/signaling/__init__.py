"""Tests of `signaling`."""
