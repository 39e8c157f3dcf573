"""A certificate of the house's own, so that phones on the network get HTTPS (browsers give no camera without it).

One authority is made once per data folder; the server's certificate is issued anew only when the machine's addresses
changed, so a phone that was told to trust it once stays content.
"""

from __future__ import annotations

import json
import os
import ssl
from pathlib import Path

import structlog
import trustme

from server.addresses import own_addresses
from server.starting import CannotStart, reason

log = structlog.get_logger()


def tls_context(folder: Path) -> ssl.SSLContext:
    """A server context with the certificate kept in `folder`, made when missing or for other addresses."""
    names = ["localhost", "127.0.0.1", *own_addresses()]
    issued = folder / "names.json"
    chain = folder / "server.pem"
    try:
        if _names_in(issued) != names:
            _issue(folder, chain, issued, names)
        try:
            return _context(chain)
        except OSError:  # ssl.SSLError is one: cut off, or not a certificate at all
            log.warning("the certificate is damaged, issuing a new one")
            _issue(folder, chain, issued, names)
            return _context(chain)
    except OSError as fault:
        raise CannotStart(f"The certificate in {folder} cannot be made ({reason(fault)}). Mend the folder.") from fault


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context


def _names_in(issued: Path) -> object:
    """What the certificate was issued for; None when that is not known."""
    try:
        return json.loads(issued.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _issue(folder: Path, chain: Path, issued: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = folder / "authority.key"
    authority_file = folder / "authority.pem"
    authority = _kept_authority(authority_file, authority_key)
    if authority is None:
        authority = trustme.CA(organization_name="Loupe on this machine")
        _write_private(authority_key, authority.private_key_pem.bytes())
        authority_file.write_bytes(authority.cert_pem.bytes())
    leaf = authority.issue_cert(*names, common_name="Loupe")
    _write_private(chain, leaf.private_key_and_cert_chain_pem.bytes())
    issued.write_text(json.dumps(names))


def _kept_authority(certificate: Path, key: Path) -> trustme.CA | None:
    """None: there is none, or it is damaged; phones must then trust a new one."""
    try:
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        log.warning("the certificate authority is damaged, making a new one")
        return None


def _write_private(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)
