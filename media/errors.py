"""The refusals of this room."""

from __future__ import annotations


class MediaFault(Exception):
    """What was asked cannot be made from these bytes; `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Oversized(MediaFault):
    """It would grow beyond all measure when it is decoded: nothing of it is to be kept."""
