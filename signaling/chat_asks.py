"""What a device may ask of its conversations, and what is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from domain.bodies import WRITTEN
from domain.conversation_ports import ConversationStore
from domain.entitlement import Deed
from domain.errors import Conflict, Invalid
from domain.people import Customer
from domain.stream import (
    Cursor,
    Device,
    Head,
    Kept,
    Mark,
    NewEntry,
    conversation_stream,
    inbox_stream,
    staff_stream,
)
from domain.unchecked import unchecked
from signaling import chat_news as news
from signaling import chat_protocol as p
from signaling.carriers import Carrier
from signaling.chat_facts import ChatFacts
from signaling.chat_hub import ChatHub
from signaling.chat_marks import ChatMarkers, marks_texts
from signaling.chat_neighbours import Neighbours
from signaling.chat_presence import ChatPresence
from signaling.chat_reader import Reader
from signaling.chat_rights import ChatRights, require
from signaling.chat_source import StoreSource, entries_text
from signaling.house import House
from signaling.news import ErrorFrame

FAR_BEHIND = 500  # entries; a page that lacks more begins anew with the last ones
WINDOW = 100
MAX_OPEN = p.MAX_CURSORS
ROOM_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Desk:
    """What requests need. `refuse` counts a refusal, or logs a fault, and gives the frame that tells of it."""

    house: House
    store: ConversationStore
    source: StoreSource
    hub: ChatHub
    rights: ChatRights
    markers: ChatMarkers
    presence: ChatPresence
    neighbours: Neighbours
    facts: ChatFacts
    refuse: Callable[[BaseException, str | None], ErrorFrame]


class Asked(NamedTuple):
    """Who asked, and on which carrier: the answer goes there while it stands."""

    reader: Reader
    carrier: Carrier

    def answer(self, frame: BaseModel | str) -> None:
        if self.reader.is_ended:  # signed out while this was being read; a data channel would still carry it
            return
        text = frame if isinstance(frame, str) else frame.model_dump_json()
        if not self.carrier.send(text):
            self.reader.say(text)


class Place(NamedTuple):
    """Where a reader of a stream begins; a reset when that is not where it believes to be."""

    head: Head
    position: int
    reset: news.ChatReset | None = None


async def hello(desk: Desk, asked: Asked, ask: p.ChatHello) -> None:
    reader, now = asked.reader, desk.house.now()
    device = await desk.store.device(
        Device(
            id=ask.device, person_id=reader.person_id, side=reader.side, name=ask.name, session=asked.carrier.session,
            made_at=now, seen_at=now,
        )
    )  # fmt: skip
    cursors = {s: Cursor(stream=s) for s in own_streams(reader)} | {c.stream: c.cursor() for c in ask.cursors}
    cursors = {s: c for s, c in cursors.items() if await desk.rights.may_open(reader.person, s)}
    epoch = await desk.facts.epoch()
    places = await _places(desk, reader, cursors, is_restored=ask.epoch not in ("", epoch))
    marks = await _marks(desk, cursors)
    shop = await desk.facts.shop(reader.person.shop_id)
    reader.is_welcome = True
    asked.answer(
        news.ChatWelcome(
            ref=ask.ref,
            epoch=epoch,
            me=news.MeView(id=reader.person_id, name=reader.person.name, side=reader.side),
            expected=device.counter + 1,
            now=now,
            streams=[news.HeadView.model_validate(place.head.model_dump()) for place in places],
            shop=news.ShopView(slug=shop.slug, name=shop.name, name_zh=shop.name_zh),
        )
    )
    _begin(desk, reader, places, marks)
    desk.presence.came(reader)
    if reader.side == "staff":
        await _tell_own_marks(desk, reader)


async def open_stream(desk: Desk, asked: Asked, ask: p.ChatOpen) -> None:
    await desk.rights.require_open(asked.reader.person, ask.stream)
    if len(asked.reader.sent) >= MAX_OPEN and ask.stream not in asked.reader.sent:
        raise Conflict("This page follows too many conversations. Leave some first.")
    cursor = Cursor(stream=ask.stream, position=ask.position, digest=ask.digest)
    places = await _places(desk, asked.reader, {ask.stream: cursor})
    marks = await _marks(desk, [ask.stream])
    asked.answer(news.ChatOk(ref=ask.ref))
    _begin(desk, asked.reader, places, marks)


async def leave(desk: Desk, asked: Asked, ask: p.ChatLeave) -> None:
    fall_silent(desk, asked.reader, ask.stream)
    desk.hub.unsubscribe(asked.reader, ask.stream)
    asked.answer(news.ChatOk(ref=ask.ref))


async def fetch(desk: Desk, asked: Asked, ask: p.ChatFetch) -> None:
    """Answers with the first frame of what is missing; if there is more, it follows as if it were new."""
    reader, stream = asked.reader, ask.stream
    await desk.rights.require_open(reader.person, stream)
    if stream[0] == "i":
        asked.answer(news.ChatOk(ref=ask.ref))
        desk.hub.begin(reader, stream, ask.after)
        return
    [head] = await desk.store.heads([stream])
    place = Place(head, ask.after)
    if ask.after > head.head or (ask.after == 0 and head.head > FAR_BEHIND):
        place = await _anew(desk, head)
    pieces = await desk.source.read(stream, place.position, ask.ref)
    if place.reset is not None:
        asked.answer(place.reset)
    if not pieces:
        asked.answer(entries_text(stream, place.position, (), head.head, head.digest, ask.ref))
        return
    asked.answer(pieces[0].text)
    desk.hub.begin(reader, stream, pieces[0].last)


async def seen(desk: Desk, asked: Asked, ask: p.ChatSeen) -> None:
    reader = asked.reader
    await desk.rights.require_open(reader.person, ask.stream)
    mark = Mark(
        stream=ask.stream,
        person_id=reader.person_id,
        side=reader.side,
        delivered=max(ask.delivered, ask.read),
        read=ask.read,
    )
    desk.markers.see(mark)


async def typing(desk: Desk, asked: Asked, ask: p.ChatTyping) -> None:
    reader = asked.reader
    await desk.rights.require_open(reader.person, ask.stream)
    streams = [ask.stream]
    if reader.side == "staff" and ask.stream[0] == "c" and reader.tells_inbox(ask.stream, ask.is_typing):
        streams.append(inbox_stream(await desk.rights.shop(reader.person, ask.stream)))
    _tell_typing(desk, reader, ask.stream, streams, is_typing=ask.is_typing)


def fall_silent(desk: Desk, reader: Reader, *streams: str) -> None:
    """Who went away answers nobody any more: in these streams, or in all. Where a connection was only lost it may come back,
    and pages stop showing it by themselves."""
    for stream in streams or list(reader.answering):
        if reader.side == "staff" and reader.tells_inbox(stream, False):
            shop_id = desk.rights.shop_if_known(reader.person, stream)
            inboxes = [inbox_stream(shop_id)] if shop_id is not None else []
            _tell_typing(desk, reader, stream, [stream, *inboxes], is_typing=False)


def _tell_typing(desk: Desk, reader: Reader, stream: str, told: Sequence[str], *, is_typing: bool) -> None:
    said = news.ChatTypingNews(stream=stream, who=reader.person.name, side=reader.side, is_typing=is_typing)
    for each in told:
        desk.neighbours.whisper(each, said.model_dump_json(), but=reader.person_id)


async def append(desk: Desk, asked: Asked, ask: p.ChatAppend) -> None:
    put(desk, asked, ask, await desk.rights.shop(asked.reader.person, ask.stream))


def put(desk: Desk, asked: Asked, ask: p.ChatAppend, shop_id: str) -> None:
    """Hands the entry to the store without waiting for it: what a device sends in a row is kept together. The answer
    goes out on both carriers, since what is not answered is sent again."""
    reader = asked.reader
    deed: Deed = "recall" if ask.kind == "recall" else "note" if ask.kind == "note" else "write"
    require(reader.person, deed, ask.stream, shop_id)
    if (ask.kind == "note") != (ask.stream[0] == "n"):
        raise Invalid("Notes belong into the stream of notes, and nothing else does.")
    try:
        body = WRITTEN[ask.kind].model_validate(ask.body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in ("body", *first["loc"]))
        raise Invalid(f"This entry cannot be understood: {where}: {first['msg'][:300]}.") from None
    entry = unchecked(NewEntry, {
        "stream": ask.stream, "id": ask.id, "kind": ask.kind, "author": reader.person_id, "side": reader.side,
        "author_name": reader.person.name, "at": desk.house.now(), "body": body.model_dump(mode="json"),
        "reply_to": ask.reply_to, "device": reader.device, "counter": ask.n, "seen": ask.seen, "force": ask.force,
    })  # fmt: skip
    answer_when_kept(desk, reader, ask.ref, desk.store.append(entry))


def answer_when_kept(desk: Desk, reader: Reader, ref: str, kept: asyncio.Future[Kept]) -> None:
    def done(future: asyncio.Future[Kept]) -> None:
        if future.cancelled():
            return
        fault = future.exception()
        frame = desk.refuse(fault, ref) if fault is not None else ack(future.result(), ref)
        reader.say_on_all(frame.model_dump_json())

    kept.add_done_callback(done)


def ack(kept: Kept, ref: str) -> news.ChatAck:
    entry = kept.entry
    fields = {"id": entry.id, "stream": entry.stream, "position": entry.position, "at": entry.at}
    return unchecked(news.ChatAck, {"type": "chat.ack", "ref": ref, **fields})


def own_streams(reader: Reader) -> list[str]:
    """What is open for whoever says hello."""
    if isinstance(reader.person, Customer):
        return [conversation_stream(reader.person_id)]
    return [inbox_stream(reader.person.shop_id), staff_stream(reader.person_id)]


async def _places(
    desk: Desk, reader: Reader, cursors: Mapping[str, Cursor], *, is_restored: bool = False
) -> list[Place]:
    """Subscribes to all, then finds where each begins."""
    for stream in cursors:
        desk.hub.subscribe(reader, stream)
    heads = await desk.hub.heads(cursors)
    return [await _place(desk, cursor, heads[stream], is_restored) for stream, cursor in cursors.items()]


async def _place(desk: Desk, cursor: Cursor, head: Head, is_restored: bool) -> Place:
    if cursor.position > head.head:  # another process may have told it more than this one knows yet
        [head] = await desk.store.heads([cursor.stream])
        desk.hub.hint(cursor.stream)
    if cursor.stream[0] == "i":
        is_right = not is_restored and cursor.position <= head.head and await desk.store.matches(cursor)
        return Place(head, cursor.position if is_right else 0)
    if cursor.position == 0:
        is_right = head.head <= FAR_BEHIND
    elif cursor.position == head.head:
        is_right = not is_restored and cursor.digest == head.digest
    else:
        is_right = not is_restored and head.head - cursor.position <= FAR_BEHIND and await desk.store.matches(cursor)
    return Place(head, cursor.position) if is_right else await _anew(desk, head)


async def _anew(desk: Desk, head: Head) -> Place:
    """The last entries of the stream, after a reset."""
    after, digest = max(head.head - WINDOW, 0), 0
    if after > 0:
        [before] = await desk.store.entries(head.stream, after=after - 1, limit=1)
        digest = before.digest
    return Place(head, after, news.ChatReset(stream=head.stream, after=after, digest=digest))


async def _marks(desk: Desk, streams: Iterable[str]) -> list[str]:
    return list(marks_texts(await desk.store.marks([s for s in streams if s[0] in "cn"])).values())


async def _tell_own_marks(desk: Desk, reader: Reader) -> None:
    """What this person has read of the conversations that the inbox shows, and of where they are named: the rest of it is
    unread."""
    rows, _ = await desk.store.rows(reader.person.shop_id)
    shown = {staff_stream(reader.person_id), *(conversation_stream(row.conversation.id) for row in rows)}
    own = [mark for mark in await desk.store.marks_of(reader.person_id) if mark.stream in shown]
    for text in marks_texts(own).values():
        while reader.is_slow and not reader.is_ended:  # noqa: ASYNC110 (an outbox tells one listener, the hub)
            await asyncio.sleep(ROOM_AGAIN_S)
        reader.say(text)


def _begin(desk: Desk, reader: Reader, places: Sequence[Place], marks: Sequence[str]) -> None:
    for place in places:
        if place.reset is not None:
            reader.say_on_all(place.reset.model_dump_json())
        desk.hub.begin(reader, place.head.stream, place.position)
    for text in marks:
        reader.say(text)
    desk.presence.show(reader, [place.head.stream for place in places])
