"""What aiohttp says of connections that carry no request we could answer: counted, and one line without addresses."""

from __future__ import annotations

import logging
from collections import Counter

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger(__name__)


def connection_logger(refused: Counter[str]) -> logging.Logger:
    """For `web.AppRunner(logger=...)`. Bytes that are no HTTP are a stranger's fault: counted in `refused` as
    `bad_request`, and said only at debug level, since anybody can send any number of them."""
    logger = logging.Logger("loupe.connections", logging.INFO)  # a child of nothing: no other handler sees it
    logger.addFilter(_Told(refused))
    return logger


class _Told(logging.Filter):
    def __init__(self, refused: Counter[str]) -> None:
        super().__init__()
        self._refused = refused

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        if isinstance(fault, HttpProcessingError):
            self._refused["bad_request"] += 1
            log.debug("a connection carried no request", fault=type(fault).__name__)
        elif record.levelno >= logging.WARNING:
            log.error("a connection failed", fault=type(fault).__name__ if fault else record.msg)
        return False
