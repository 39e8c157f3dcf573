"""What the body of an entry holds, by kind. Devices write those of `WRITTEN`; the rest is written by the house."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.stream import EntryKind

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
EntryId = Annotated[str, Field(min_length=1, max_length=130, pattern=r"^[A-Za-z0-9_.-]+$")]  # of a call: with a dot


UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # controls, joiners and marks of direction, spaces
# Unicode's Default_Ignorable_Code_Point: fillers, variation selectors, places kept for more. And a blank braille cell.
_DRAWN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def is_blank(text: str) -> bool:
    """True when nobody would see anything of it. `web/src/conversation/blank.ts` decides the same."""
    return all(unicodedata.category(c) in UNSEEN or _DRAWN_AS_NOTHING.match(c) for c in text)


def not_blank(text: str) -> str:
    if is_blank(text):
        raise ValueError("there is nothing to see in it")
    return text


Said = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(not_blank)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextBody(Body):
    text: Said


class FileBody(Body):
    """Of image, voice, video and file. The house adds `file`, what it found out about the attachment itself:
    {mime, kind, name, bytes, width, height, seconds, wave, has_thumb}."""

    attachment: Id
    name: str = Field(default="", max_length=200)
    caption: str = Field(default="", max_length=1000)


class RecallBody(Body):
    """`target`: the id of an own message in the same stream."""

    target: EntryId


class NoteBody(Body):
    """`mentions`: ids of staff; those of other shops are left out."""

    text: Said
    mentions: tuple[Id, ...] = Field(default=(), max_length=20)


WRITTEN: dict[EntryKind, type[Body]] = {
    "text": TextBody,
    "image": FileBody,
    "voice": FileBody,
    "video": FileBody,
    "file": FileBody,
    "recall": RecallBody,
    "note": NoteBody,
}
# What the house writes:
#   text       {text, call_id}                     said in a call
#   text       {text, contact}                     left when nobody was available
#   booking    {booking, call_id}                  a Booking after the change
#   picture    {picture_id, call_id}
#   call       {call_id, state, seconds}           ended, missed or abandoned
#   recording  {call_id, seconds}                  it can be played now
#   ring       {path}                              a link that starts a video call
#   rung       {ring, answer}                      accepted, declined or withdrawn: what became of the ring with this id
#   erased     {}
#   assigned   {staff_id, staff_name}    snoozed {until}    unassigned, closed, reopened, woken {}
#   mention    {conversation, position}            in s., a note in n.<conversation>
