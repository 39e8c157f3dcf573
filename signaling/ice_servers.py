"""TURN for phones that cannot reach the media port: coturn's REST scheme (draft-uberti-behave-turn-rest-00)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from signaling.house import DoorSettings
from signaling.news import IceServer


def ice_servers(settings: DoorSettings, person_id: str, now: datetime) -> list[IceServer]:
    """Empty without TURN. The user name carries the Unix time until which coturn takes the credential."""
    if not settings.turn_urls or not settings.turn_secret:
        return []
    username = f"{int(now.timestamp()) + settings.turn_ttl_s}:{person_id}"
    digest = hmac.new(settings.turn_secret.encode(), username.encode(), hashlib.sha1).digest()
    return [
        IceServer(urls=list(settings.turn_urls), username=username, credential=base64.b64encode(digest).decode()),
    ]
