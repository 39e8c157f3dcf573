"""Pictures of a call: taken, frozen, kept, and their drawing kept up with the board."""

from __future__ import annotations

import asyncio

import structlog

from domain.errors import Conflict, Refusal, Unavailable
from domain.record import Picture
from signaling.board import picture_url
from signaling.news import PictureAsk, PictureReplaced, StillWanted
from signaling.node import Shot
from signaling.pictures import PendingPicture
from signaling.session import Session
from signaling.stage import Stage
from signaling.visit import Visit

log = structlog.get_logger()
SHOT_DEADLINE_S = 2.0
STROKES_PAUSE_S = 0.3  # a stroke grows ten times a second; its picture is written a few times


async def shoot(stage: Stage, visit: Visit) -> Shot:
    """A frame of what the customer's camera sends. Raises Conflict without one, Unavailable when it takes too long."""
    if visit.call.state != "live" or visit.call.held:
        raise Conflict("There is no picture while the call is not running. Resume it first.")
    peer = stage.floor.peer_of(visit, visit.call.customer_id)
    if peer is None:
        raise Conflict("The customer's camera is not connected. Wait until it is back.")
    try:
        async with asyncio.timeout(SHOT_DEADLINE_S):
            return await stage.house.node.take_picture(peer.id)
    except TimeoutError:
        raise Unavailable("The picture could not be made in time. Try again.") from None


async def take(stage: Stage, visit: Visit, session: Session, cmid: str) -> dict[str, object]:
    """Keeps a picture, or asks the customer to. Answers with the fields of `ok`: `picture` or `asked`.

    While frozen it is the frozen picture that is kept, with what was drawn on it."""
    board = visit.board
    frozen = stage.floor.pending.get(board.picture_id) if board.picture_id is not None else None
    if frozen is not None and board.kept_as is not None:
        return {"picture": await _follow_board(stage, visit, board.kept_as)}
    shot, taken_at = (frozen.shot, frozen.taken_at) if frozen else (await shoot(stage, visit), stage.house.now())
    pending = PendingPicture(
        id=stage.house.new_id(),
        call_id=visit.id,
        shot=shot,
        taken_by=session.person_id,
        taken_at=taken_at,
        cmid=cmid,
        strokes=board.strokes(),
        frozen_as=frozen.id if frozen is not None else None,
    )
    customer = stage.floor.person(visit, visit.call.customer_id)
    if visit.call.consent:
        picture = await keep_pending(stage, visit, pending)
        if frozen is None and customer is not None and customer.camera is not None and customer.camera.still:
            customer.news(StillWanted(picture_id=picture.id, url=f"/api/pictures/{picture.id}/still"))
        return {"picture": picture}
    stage.floor.pending.add(pending)
    if customer is None or not customer.news(PictureAsk(picture_id=pending.id, url=picture_url(pending.id))):
        stage.floor.pending.drop(pending.id)
        raise Conflict("The customer must agree to this picture and is out of reach now. Try again when they are back.")
    return {"asked": pending.id}


async def keep_pending(stage: Stage, visit: Visit, pending: PendingPicture) -> Picture:
    """Agreed: the picture becomes part of the record, under the name of who took it."""
    blob = await stage.house.blobs.put(pending.shot.jpeg, ".jpg")
    board = visit.board
    is_on_board = pending.frozen_as is not None and board.picture_id == pending.frozen_as
    picture = Picture(
        id=pending.id,
        call_id=visit.id,
        taken_by=pending.taken_by,
        taken_at=pending.taken_at,
        width=pending.shot.width,
        height=pending.shot.height,
        blob=blob,
        strokes=board.strokes() if is_on_board else pending.strokes,
    )
    event, is_fresh = await stage.append_as(
        visit,
        pending.taken_by,
        "staff",
        visit.name_of(pending.taken_by),
        "picture",
        pending.cmid,
        {"picture": picture.model_dump(mode="json")},
        picture=picture,
    )
    stage.floor.pending.drop(pending.id)
    if not is_fresh:
        return Picture.model_validate(event.body["picture"])
    if is_on_board:
        board.kept_as = picture.id
    return picture


def board_changed(stage: Stage, visit: Visit) -> None:
    """The kept picture of a frozen board gets the new drawing, a moment later and once for many strokes."""
    if visit.board.kept_as is None or (visit.strokes_task is not None and not visit.strokes_task.done()):
        return

    async def later() -> None:
        await asyncio.sleep(STROKES_PAUSE_S)
        visit.strokes_task = None
        await follow_board_now(stage, visit)

    visit.strokes_task = stage.floor.spawn(later())


async def follow_board_now(stage: Stage, visit: Visit) -> None:
    """Before the board is wiped: what was drawn so far is kept."""
    kept_as = visit.board.kept_as
    if kept_as is None:
        return
    try:
        await _follow_board(stage, visit, kept_as)
    except Refusal as refusal:
        log.warning("a drawing was not kept", call=visit.id, code=refusal.code)


async def _follow_board(stage: Stage, visit: Visit, picture_id: str) -> Picture:
    strokes = visit.board.strokes()
    async with visit.turn:
        picture = await stage.house.calls.picture(picture_id)
        if picture.strokes == strokes:
            return picture
        picture = picture.model_copy(update={"strokes": strokes})
        await stage.house.calls.put_picture(picture)
        stage.floor.tell(visit, PictureReplaced(picture=picture))
    return picture
