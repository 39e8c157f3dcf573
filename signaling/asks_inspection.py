"""What staff may ask while they inspect: pictures, freezing, drawing, steering the customer's camera."""

from __future__ import annotations

from domain.errors import Conflict, Unavailable
from signaling.asks_both import visit_of
from signaling.inspection import board_changed, follow_board_now, shoot, take
from signaling.news import BoardNews, CommandNews, Ok, StrokeNews
from signaling.pictures import PendingPicture
from signaling.protocol import CameraCommand, DrawClear, DrawStroke, DrawUndo, Freeze, PictureTake
from signaling.session import Session
from signaling.stage import Stage
from signaling.visit import Visit


async def picture_take(stage: Stage, session: Session, ask: PictureTake) -> Ok:
    visit = _live(stage, session)
    known = visit.takes.get((session.person_id, ask.cmid))
    if known is None:
        known = await take(stage, visit, session, ask.cmid)
        visit.remember_take(session.person_id, ask.cmid, known)
    return Ok.model_validate({"ref": ask.ref, **known})


async def freeze(stage: Stage, session: Session, ask: Freeze) -> Ok:
    """The frozen picture is shown, not kept; a snapshot keeps it with its drawing."""
    visit = _live(stage, session)
    board = visit.board
    if ask.frozen == board.is_frozen:
        return Ok(ref=ask.ref)
    if ask.frozen:
        shot = await shoot(stage, visit)
        if board.is_frozen:
            return Ok(ref=ask.ref)  # a colleague was faster
        picture_id = stage.house.new_id()
        now = stage.house.now()
        stage.floor.pending.add(
            PendingPicture(id=picture_id, call_id=visit.id, shot=shot, taken_by=session.person_id, taken_at=now)
        )
        board.freeze(picture_id)
    else:
        await follow_board_now(stage, visit)
        if board.picture_id is not None:
            stage.floor.pending.drop(board.picture_id)
        board.thaw()
    stage.floor.tell(visit, BoardNews(board=board.view()))
    return Ok(ref=ask.ref)


async def draw_stroke(stage: Stage, session: Session, ask: DrawStroke) -> Ok:
    visit = _live(stage, session)
    stage.floor.tell(visit, StrokeNews(stroke=visit.board.draw(ask.stroke)), but=session)
    board_changed(stage, visit)
    return Ok(ref=ask.ref)


async def draw_undo(stage: Stage, session: Session, ask: DrawUndo) -> Ok:
    visit = _live(stage, session)
    visit.board.undo()
    return _redrawn(stage, visit, ask.ref)


async def draw_clear(stage: Stage, session: Session, ask: DrawClear) -> Ok:
    visit = _live(stage, session)
    visit.board.clear()
    return _redrawn(stage, visit, ask.ref)


def _redrawn(stage: Stage, visit: Visit, ref: str) -> Ok:
    stage.floor.tell(visit, BoardNews(board=visit.board.view()))
    board_changed(stage, visit)
    return Ok(ref=ref)


async def camera_command(stage: Stage, session: Session, ask: CameraCommand) -> Ok:
    """What the phone said that it cannot do is refused here; a zoom outside its range becomes the nearest it can."""
    visit = _live(stage, session)
    customer = stage.floor.person(visit, visit.call.customer_id)
    camera = customer.camera if customer is not None else None
    zoom = ask.zoom
    if camera is not None:
        if ask.torch is not None and camera.torch is None:
            raise Conflict("This phone has no torch that can be steered. Ask the customer for more light.")
        if ask.switch and not camera.can_switch:
            raise Conflict("This phone has only one camera. Ask the customer to turn it.")
        if zoom is not None:
            if camera.zoom is None:
                raise Conflict("This phone's zoom cannot be steered. Ask the customer to come closer.")
            zoom = min(max(zoom, camera.zoom.min), camera.zoom.max)
    if customer is None or not customer.news(CommandNews(switch=ask.switch, torch=ask.torch, zoom=zoom)):
        raise Unavailable("The customer is out of reach now. Try again when they are back.")
    return Ok(ref=ask.ref)


def _live(stage: Stage, session: Session) -> Visit:
    visit = visit_of(stage, session)
    if visit.call.state != "live":
        raise Conflict("This is only possible during a call.")
    return visit
