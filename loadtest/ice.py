"""The connectivity checks of a light client (RFC 8445; consent, RFC 7675)."""

from __future__ import annotations

from aioice import stun


def check(theirs: str, ours: str, password: str) -> bytes:
    """A binding request of a controlling agent that nominates. `theirs`, `ours`: user fragments."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{theirs}:{ours}"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    return bytes(request)


def answer_to(request: stun.Message, address: tuple[str, int], password: str) -> bytes:
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = address
    answer.add_message_integrity(password.encode())
    return bytes(answer)
