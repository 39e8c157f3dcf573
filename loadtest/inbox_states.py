"""The staff's inbox, for the portraits: its shelves, a thread with notes and profile, held-back answers, search, hand-over."""

from __future__ import annotations

from playwright.async_api import Locator, expect

from loadtest.sitters import THREE, Clerk, Set, Writer

LATER = "(() => { const now = Date.now.bind(Date); Date.now = () => now() + 23 * 60_000; })()"  # they have waited long
LONG_NAME = "Mrs Wang-Hernández de la Torre"


async def inbox(scene: Set) -> None:
    lin = await scene.clerk("lin")
    async with scene.part("empty inbox"):
        await _empty(lin)
    ana = await scene.writer("Ana", "Hello, the flap of my bag is scratched. Can you mend it?")
    await scene.writer("Tom", "Are my boots ready?")
    await scene.writer(LONG_NAME, "The zip of my jacket is stuck again, may I bring it by this afternoon?")
    await scene.writer("Mr Chen", "The ring fits, thank you!")
    await scene.writer("Ms Zhao", "What does cleaning a suede jacket cost?")
    await (await scene.writer()).message("And on Sunday?")
    li = await scene.clerk("li")
    async with scene.part("shelves"):
        await _shelves(lin, li)
    async with scene.part("quick replies"):
        await _replies(lin)
    async with scene.part("profile"):
        await _profile(lin)
    async with scene.part("notes"):
        await _notes(lin, li)
    async with scene.part("deeds"):
        await _deeds(lin)
    async with scene.part("held back"):
        await _held_back(lin, li, ana)
    async with scene.part("closed shelf"):
        await _closed(lin)
    async with scene.part("search in the inbox"):
        await _search(lin)
    async with scene.part("without a network in the inbox"):
        await lin.open(LONG_NAME)
        await lin.loses_network()
        await lin.message("I will call back")
        await lin.has_mark("I will call back", "Waiting to be sent")
        await lin.shows(lin.page.locator(".talk-link, [role=status]").filter(has_text=lin.say("No connection")).first)
        await lin.portrait("inbox-offline")
        await lin.has_network_again()
    async with scene.part("a long wait"):
        await li.context.add_init_script(LATER)
        await li.page.reload()
        await li.shows(li.page.locator(".inbox-waits.long").first)
        await li.portrait("inbox-long-waits", THREE)
    async with scene.part("sign-out"):
        await _sign_out(lin)
    await scene.over()


async def _empty(lin: Clerk) -> None:
    await lin.portrait("staff-desk-no-mail")
    await lin.page.get_by_role("link", name=lin.say("Inbox")).click()
    for shelf in ("All", "Mine", "Closed"):
        await lin.shelf(shelf)
        await lin.shows(lin.page.locator(".inbox-rows .blank"))
        await lin.portrait(f"inbox-{shelf.lower()}-empty")
    await lin.shelf("All")


async def _shelves(lin: Clerk, li: Clerk) -> None:
    await li.shows(li.page.locator(".count").first)
    await li.portrait("staff-desk-mail", THREE)
    await li.page.get_by_role("link", name=li.say("Inbox")).click()
    await expect(lin.page.locator(".inbox-row")).to_have_count(6)
    await li.open("Ms Zhao")
    await li.tap("Take it")
    await lin.open("Ana")
    await lin.tap("Take it")
    await lin.sees("Assigned to you")
    await lin.page.goto(f"{lin.page.url.split('/inbox')[0]}/inbox")
    await expect(lin.page.locator(".inbox-row")).to_have_count(6)
    await lin.portrait("inbox-busy", THREE)
    for shelf in ("Mine", "Unassigned"):
        await lin.shelf(shelf)
        await lin.portrait(f"inbox-{shelf.lower()}")
    await lin.shelf("All")


async def _replies(lin: Clerk) -> None:
    await lin.open("Ana")
    await lin.tap("Add a quick reply")
    await lin.portrait("inbox-replies-none")
    for label, text in (
        ("Hours", "Hello {name}, we are open from 9 to 18, on Sundays from 10."),
        ("Ready", "Hello {name}, your item is ready to be picked up."),
        ("Price", "The repair costs"),
    ):
        await lin.tap("New quick reply")
        dialog = lin.page.get_by_role("dialog")
        await dialog.get_by_role("textbox").first.fill(lin.say(label))
        await dialog.get_by_role("textbox").last.fill(lin.say(text))
        if label == "Hours":
            await lin.portrait("inbox-reply-new")
        await lin.button("Save", within=dialog).click()
        await lin.shows(dialog.get_by_role("listitem").filter(has_text=lin.say(label)))
    await lin.portrait("inbox-replies")
    await lin.page.keyboard.press("Escape")
    await lin.field("Write a message").fill("/")
    await lin.portrait("inbox-replies-by-key", THREE)
    await lin.field("Write a message").fill("/?")
    await lin.portrait("inbox-replies-not-found")
    await lin.field("Write a message").fill("")


async def _profile(lin: Clerk) -> None:
    await lin.tap("Edit the profile")
    dialog = lin.page.get_by_role("dialog")
    await lin.portrait("inbox-profile-new", THREE)
    await lin.button("Frequent", within=dialog).click()
    await dialog.get_by_role("textbox", name=lin.say("Preferences")).fill(
        lin.say("Likes calls after six, no scent on leather")
    )
    await lin.button("Add an item", within=dialog).click()
    for label, text in (("What it is", "Brown shoulder bag"), ("Material, colour, size", "Calf leather, tan, 28 cm")):
        await _labelled(dialog, lin.say(label)).fill(lin.say(text))
    await _labelled(dialog, lin.say("Bought on")).fill("2025-04-12")
    await _labelled(dialog, lin.say("Care every … months")).fill("3")
    await lin.portrait("inbox-profile-edit", THREE)
    await lin.button("Save", within=dialog).click()
    await expect(dialog).to_have_count(0)
    await lin.portrait("inbox-profile", THREE)
    async with lin.on_a_phone():
        await lin.tap("More")
        await lin.button("About this customer", within=lin.page.get_by_role("dialog")).click()
        await lin.portrait("inbox-panel", ("phone",))
        await lin.tap("Close")


def _labelled(dialog: Locator, text: str) -> Locator:
    return dialog.get_by_label(text, exact=True).first


async def _notes(lin: Clerk, li: Clerk) -> None:
    note = lin.field("Write a note")
    await note.press_sequentially(f"{lin.say('please match tan no. 4')} @")
    await lin.shows(lin.button("Li Wei"))
    await lin.portrait("inbox-mention", THREE)
    await lin.button("Li Wei").click()
    await lin.tap("Save the note")
    await note.fill(lin.say("pays by card, comes after six"))
    await lin.tap("Save the note")
    await lin.sees("pays by card, comes after six")
    await lin.portrait("inbox-notes", THREE)
    await li.page.get_by_role("link", name=li.say("Desk")).click()
    await li.shows(li.page.locator(".count", has_text="@"))
    await li.portrait("staff-desk-named")
    await li.page.get_by_role("link", name=li.say("Inbox")).click()
    await li.portrait("inbox-named")
    await li.page.locator(".mentions-button").click()
    await li.shows(li.page.get_by_role("dialog").get_by_text(li.say("please match tan no. 4")))
    await li.portrait("inbox-mentions")
    await li.page.get_by_role("dialog").get_by_role("listitem").get_by_role("button").first.click()
    await li.sees("pays by card, comes after six")
    await li.portrait("inbox-note-found")
    await lin.page.locator(".mentions-button").click()
    await lin.portrait("inbox-mentions-none")
    await lin.page.keyboard.press("Escape")


async def _deeds(lin: Clerk) -> None:
    await lin.tap("More")
    await lin.portrait("inbox-more")
    await lin.button("Hand over", within=lin.page.get_by_role("dialog")).click()
    await lin.shows(lin.page.get_by_role("dialog").get_by_text("Zhao Min"))
    await lin.portrait("inbox-hand-over")
    await lin.page.keyboard.press("Escape")
    await lin.tap("More")
    await lin.button("Come back later", within=lin.page.get_by_role("dialog")).click()
    await lin.portrait("inbox-snooze")
    await lin.page.keyboard.press("Escape")
    await lin.open("Ms Zhao")
    await lin.tap("Take it")
    await lin.portrait("inbox-take-over")
    await lin.page.keyboard.press("Escape")
    await lin.open("Tom")
    await lin.tap("More")
    await lin.button("Come back later", within=lin.page.get_by_role("dialog")).click()
    await lin.tap("Tomorrow at 9:00")
    await lin.page.keyboard.press("u")
    await lin.shelf("Snoozed")
    await lin.shows(lin.page.locator(".inbox-row"))
    await lin.portrait("inbox-snoozed")
    await lin.shelf("All")
    await lin.page.locator(".keys-button").click()
    await lin.portrait("inbox-keys", ("tablet", "small"))
    await lin.page.keyboard.press("Escape")


async def _held_back(lin: Clerk, li: Clerk, ana: Writer) -> None:
    for clerk in (lin, li):
        await clerk.open("Ana")
    await li.field("Write a message").press_sequentially("...")
    await lin.shows(lin.page.locator(".inbox-answering").first)
    await lin.portrait("inbox-answering")
    await lin.loses_network()
    await lin.message("Yes, until six")
    await li.message("We close at five today")
    await ana.sees("We close at five today")
    await lin.has_network_again()
    await lin.shows(lin.button("Send anyway"))
    await lin.portrait("inbox-held-back", THREE)
    await lin.tap("Delete")
    await lin.message("We open at nine tomorrow")
    await lin.has_mark("We open at nine tomorrow", "Sent", "Delivered", "Read")
    await lin.portrait("inbox-thread", THREE)


async def _closed(lin: Clerk) -> None:
    await lin.open("Mr Chen")
    await lin.tap("Done")
    await lin.page.keyboard.press("u")
    await lin.shelf("Closed")
    await lin.shows(lin.page.locator(".inbox-row"))
    await lin.portrait("inbox-closed")
    await lin.open("Mr Chen")
    await lin.sees("Closed. What you write opens it again.")
    await lin.portrait("inbox-closed-thread", THREE)
    await lin.shelf("All")
    await lin.open(LONG_NAME)
    await lin.portrait("inbox-long-name", THREE)


async def _search(lin: Clerk) -> None:
    await lin.page.keyboard.press("u")
    await lin.tap("Search all conversations")
    await lin.portrait("inbox-search")
    field = lin.page.get_by_role("searchbox")
    await field.fill(lin.say("umbrella"))
    await lin.shows(lin.page.get_by_text(lin.say("Nothing found for “{words}”.", words=lin.say("umbrella"))))
    await lin.portrait("inbox-search-none")
    await field.fill(lin.say("boots"))
    await lin.shows(lin.page.get_by_role("dialog").locator("mark").first)
    await lin.portrait("inbox-search-hits")
    await lin.page.keyboard.press("Escape")


async def _sign_out(lin: Clerk) -> None:
    await lin.page.get_by_role("link", name=lin.say("Desk")).click()
    await lin.page.locator(".top-tools .icon-button").click()
    await lin.shows(lin.page.get_by_role("dialog"))
    await lin.portrait("staff-leave", THREE)
