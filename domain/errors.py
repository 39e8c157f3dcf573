"""Every refusal the house can give, with a stable `code` and a sentence that says what to do next.

Refusal
|-- Invalid        (bad_request)      the request cannot be understood
|   `-- TooLarge   (too_large)        more than the stated limit
|-- NotSignedIn    (not_signed_in)    no or no valid session
|   |-- WrongPassword (wrong_password)
|   `-- LinkRefused   (link_expired | link_altered)
|-- Forbidden      (forbidden)        this person may not do this
|-- NotFound       (not_found)
|-- Conflict       (conflict)         the state does not allow it now
|   |-- AlreadyTaken (already_taken)  somebody else won; `taken_by` says who
|   |-- Expect     (expect)           a device's entry is out of turn; `expected` says which number is next
|   |-- HeldBack   (held_back)        a reply that has not seen the newest words; `position` says where they are
|   |-- Conflict   (stale)            somebody else changed it first; read it, then change it again
|   |-- TooLate    (too_late)         the time for this is over
|   `-- NotReady   (not_ready)        something that must come first is not here
|-- RateLimited    (rate_limited)     `retry_after_s` says when to come back
`-- Unavailable    (unavailable)      the machine cannot do it now; nothing was kept
"""

from __future__ import annotations


class Refusal(Exception):
    """Base of all refusals: `code` is stable and for programs, `message` is English and for people."""

    code = "refused"
    status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Invalid(Refusal):
    code = "bad_request"


class TooLarge(Invalid):
    code = "too_large"
    status = 413


class NotSignedIn(Refusal):
    code = "not_signed_in"
    status = 401


class WrongPassword(NotSignedIn):
    code = "wrong_password"


class LinkRefused(NotSignedIn):
    """`code` is `link_expired` or `link_altered`."""

    code = "link_altered"


class Forbidden(Refusal):
    code = "forbidden"
    status = 403


class NotFound(Refusal):
    code = "not_found"
    status = 404


class Conflict(Refusal):
    code = "conflict"
    status = 409


class AlreadyTaken(Conflict):
    code = "already_taken"

    def __init__(self, message: str, *, taken_by: str) -> None:
        super().__init__(message)
        self.taken_by = taken_by


class Expect(Conflict):
    code = "expect"

    def __init__(self, message: str, *, expected: int) -> None:
        super().__init__(message)
        self.expected = expected


class HeldBack(Conflict):
    code = "held_back"

    def __init__(self, message: str, *, position: int) -> None:
        super().__init__(message)
        self.position = position


class TooLate(Conflict):
    code = "too_late"


class NotReady(Conflict):
    code = "not_ready"


class RateLimited(Refusal):
    code = "rate_limited"
    status = 429

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(Refusal):
    code = "unavailable"
    status = 503
