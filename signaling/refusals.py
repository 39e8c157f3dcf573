"""Whatever goes wrong in a request becomes one shape, `{"type": "error", "code", "message", ...}`, and a fitting status."""

from __future__ import annotations

import traceback

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from domain.errors import AlreadyTaken, Expect, HeldBack, RateLimited, Refusal
from media.errors import MediaFault
from signaling.http_context import REFUSED
from signaling.news import ErrorFrame

log = structlog.get_logger(__name__)

_BY_STATUS = {
    400: ("bad_request", "The request cannot be understood."),
    404: ("not_found", "There is nothing at this address. Check the link."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "That is larger than this server takes. Send something smaller."),
    415: ("bad_request", "This kind of content is not taken here."),
    416: ("bad_request", "That range is outside of the file."),
}


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware. Counts every refusal by code; logs what nobody expected, without its words (they may
    be somebody's)."""
    try:
        return await handler(request)
    except Refusal as refusal:
        frame, status = frame_of(refusal), refusal.status
    except ValidationError as fault:
        frame, status = frame_of_validation(fault), 400
    except MediaFault as fault:
        frame, status = ErrorFrame(code="unusable_picture", message=fault.message), 400
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        code, message = _BY_STATUS.get(refusal.status, ("refused", "This is not possible."))
        frame, status = ErrorFrame(code=code, message=message), refusal.status
    except (web.RequestPayloadError, ConnectionError, EOFError):
        frame, status = ErrorFrame(code="bad_request", message="The request was cut off. Send it again."), 400
    except TimeoutError:
        frame, status = ErrorFrame(code="unavailable", message="This took too long. Try again."), 503
    except Exception as fault:
        _log(request, fault)
        frame = ErrorFrame(code="unexpected", message="Something went wrong here. Try again; nothing was lost.")
        status = 500
    request.app[REFUSED][frame.code] += 1
    return _response(frame, status)


def frame_of(refusal: Refusal, ref: str | None = None) -> ErrorFrame:
    """The error frame of a refusal, for HTTP and for the live carriers."""
    return ErrorFrame(
        ref=ref,
        code=refusal.code,
        message=refusal.message,
        taken_by=refusal.taken_by if isinstance(refusal, AlreadyTaken) else None,
        retry_after_s=round(refusal.retry_after_s, 3) if isinstance(refusal, RateLimited) else None,
        expected=refusal.expected if isinstance(refusal, Expect) else None,
        position=refusal.position if isinstance(refusal, HeldBack) else None,
    )


def frame_of_validation(fault: ValidationError, ref: str | None = None) -> ErrorFrame:
    """Says which fields are wrong and how, never what was in them."""
    said = [f"{'.'.join(str(part)[:40] for part in e['loc'][:4]) or 'body'}: {e['msg']}" for e in fault.errors()[:3]]
    return ErrorFrame(ref=ref, code="bad_request", message="; ".join(said)[:500])


def _response(frame: ErrorFrame, status: int) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if frame.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(frame.retry_after_s)))
    body = frame.model_dump_json(exclude_none=True)
    return web.Response(text=body, status=status, content_type="application/json", headers=headers)


def _log(request: web.Request, fault: Exception) -> None:
    resource = request.match_info.route.resource
    places = [f"{f.filename.rpartition('/')[2]}:{f.lineno}:{f.name}" for f in traceback.extract_tb(fault.__traceback__)]
    log.error(
        "request failed",
        method=request.method,
        route=resource.canonical if resource is not None else "none",
        fault=type(fault).__name__,
        places=places[-8:],
    )
