"""What the body of an entry holds, by kind. Devices write those of `WRITTEN`; the rest is written by the house."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.stream import EntryKind

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
EntryId = Annotated[str, Field(min_length=1, max_length=130, pattern=r"^[A-Za-z0-9_.-]+$")]  # of a call: with a dot


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextBody(Body):
    text: str = Field(min_length=1, max_length=4000)


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

    text: str = Field(min_length=1, max_length=4000)
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
