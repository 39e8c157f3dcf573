import { Camera } from "./camera";
import { type Link, openLink } from "./link";
import { openSession, type Session } from "./session";
import { openStaffBoard, type StaffBoard } from "./staffBoard";
import { type CallDeeds, openCallDeeds } from "./staffCall";
import { type Desk, openDesk } from "./staffDesk";
import type { SignedIn } from "./staffDoor";
import { type Lists, openLists } from "./staffLists";
import { type Notices, openNotices } from "./staffNotices";
import { openPages, type Pages } from "./staffPages";
import { openPlayer, type Player } from "./staffPlayer";

/** Everything a signed-in member of staff works with; one per page. */
export interface StaffHouse {
  readonly me: SignedIn;
  readonly session: Session;
  readonly camera: Camera;
  readonly link: Link;
  readonly desk: Desk;
  readonly deeds: CallDeeds;
  readonly board: StaffBoard;
  readonly lists: Lists;
  readonly notices: Notices;
  readonly pages: Pages;
  readonly player: Player;
}

export function openStaffHouse(me: SignedIn): StaffHouse {
  const session = openSession("staff");
  const camera = new Camera("face");
  const link = openLink(session, camera);
  const notices = openNotices();
  const player = openPlayer(link.remotes[0] ?? new MediaStream());
  return {
    me,
    session,
    camera,
    link,
    notices,
    desk: openDesk(session, camera, link, player, notices),
    deeds: openCallDeeds(session, notices),
    board: openStaffBoard(session, notices),
    lists: openLists(),
    pages: openPages(),
    player,
  };
}
