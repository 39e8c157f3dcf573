"""Strangers at the door: real peers that measure. Knows `signaling.protocol` and nothing else of the house."""
