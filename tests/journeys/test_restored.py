"""A backup that is put back: what it lacks comes back from the devices, and all agree again."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from loadtest.server_process import LoupeServer
from tests.journeys.test_conversation import open_first, phone, reads, say, tablet, texts

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
LOUPE = str(Path(sys.executable).parent / "loupe")
ALL = {"before the backup", "after it, from the phone", "after it, from the tablet"}


async def restored(data: Path) -> tuple[int | None, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        LOUPE, "restored", "--data", str(data), stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize("is_said", [True, False], ids=["with-loupe-restored", "without-a-word"])
async def test_devices_offer_back_what_a_backup_lacks_and_all_agree(
    browser: Browser, server: LoupeServer, is_said: bool
) -> None:
    _, customer = await phone(browser, server)
    _, staff = await tablet(browser, server, "lin")
    await say(customer, "before the backup")
    await open_first(staff)
    await reads(staff, "before the backup")
    backup = server.data.with_name("backup")
    await server.stop()
    shutil.copytree(server.data, backup)
    await server.start()
    await say(customer, "after it, from the phone")
    await reads(staff, "after it, from the phone")
    await say(staff, "after it, from the tablet")
    await reads(customer, "after it, from the tablet")
    assert (await restored(server.data))[0] == 1  # the server has it open

    await server.stop()
    shutil.rmtree(server.data)
    shutil.copytree(backup, server.data)
    if is_said:
        code, said = await restored(server.data)
        assert (code, "Start the server now." in said) == (0, True)
    await server.start()
    _, another = await tablet(browser, server, "li")
    await open_first(another)
    await expect(another.locator(".talk-words")).to_have_count(3, timeout=30_000)
    agreed = await texts(another)
    assert set(agreed) == ALL
    for page in (customer, staff):
        await expect(page.locator(".talk-words")).to_have_text(agreed)
    await expect(staff.get_by_role("navigation", name="Conversations").get_by_role("link").first).to_contain_text(
        agreed[-1]
    )


async def test_without_a_backup_the_command_says_what_is_missing(tmp_path: Path) -> None:
    code, said = await restored(tmp_path / "nowhere")
    assert code == 1
    assert said.startswith("Nothing was changed. There is no database at ")
    assert not (tmp_path / "nowhere").exists()
