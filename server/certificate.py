"""A certificate of the house's own, so that phones on the network get HTTPS (browsers give no camera without it).

One authority is made once per data folder; the server's certificate is issued anew only when the machine's addresses
changed, so a phone that was told to trust it once stays content.
"""

from __future__ import annotations

import json
import os
import ssl
from pathlib import Path

import trustme

from server.addresses import own_addresses


def tls_context(folder: Path) -> ssl.SSLContext:
    """A server context with the certificate kept in `folder`, made when missing or for other addresses."""
    names = ["localhost", "127.0.0.1", *own_addresses()]
    issued = folder / "names.json"
    chain = folder / "server.pem"
    if not chain.exists() or not issued.exists() or json.loads(issued.read_text()) != names:
        _issue(folder, chain, names)
        issued.write_text(json.dumps(names))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context


def _issue(folder: Path, chain: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = folder / "authority.key"
    authority_file = folder / "authority.pem"
    if authority_key.exists() and authority_file.exists():
        authority = trustme.CA.from_pem(authority_file.read_bytes(), authority_key.read_bytes())
    else:
        authority = trustme.CA(organization_name="Loupe on this machine")
        _write_private(authority_key, authority.private_key_pem.bytes())
        authority_file.write_bytes(authority.cert_pem.bytes())
    leaf = authority.issue_cert(*names, common_name="Loupe")
    _write_private(chain, leaf.private_key_and_cert_chain_pem.bytes())


def _write_private(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)
