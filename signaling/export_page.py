"""The readable page of an export: every word escaped, no script, and pictures and sounds from the folder beside it."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from domain.people import Language, Shop
from domain.profile import Profile
from domain.stream import Entry

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Your data at {shop}", "made": "Made on {at}. Times are those of {zone}.", "conversation": "Conversation",
        "notes": "Notes of the shop", "name": "Name", "preferences": "Preferences", "tags": "Tags", "items": "Items",
        "image": "Picture", "voice": "Voice note", "video": "Video", "file": "File", "picture": "Picture from a call",
        "recording": "Recording of the call", "booking": "Appointment", "call": "Video call", "missed": "Missed video call",
        "abandoned": "Left before the call", "ring": "Asked to a video call", "recalled": "Message taken back",
        "erased": "Erased", "minutes": "{n} min", "assigned": "Given to {name}", "unassigned": "Given back",
        "rung": "The ring was answered",
        "snoozed": "Put off", "closed": "Closed", "reopened": "Reopened", "woken": "Came back",
    },
    "zh-CN": {
        "title": "您在{shop}的数据", "made": "生成于 {at}，时间按 {zone} 显示。", "conversation": "会话", "notes": "门店备注",
        "name": "姓名", "preferences": "偏好", "tags": "标签", "items": "物品", "image": "图片", "voice": "语音", "video": "视频",
        "file": "文件", "picture": "通话中拍摄的图片", "recording": "通话录像", "booking": "预约", "call": "视频通话",
        "missed": "未接视频通话", "abandoned": "接通前已离开", "ring": "邀请视频通话", "recalled": "消息已撤回", "erased": "已清除",
        "minutes": "{n} 分钟", "assigned": "转交给 {name}", "unassigned": "退回待认领", "snoozed": "稍后处理", "closed": "已结束",
        "rung": "已回应视频邀请",
        "reopened": "已重新打开", "woken": "已到提醒时间",
    },
}  # fmt: skip
STYLE = """
body{margin:0 auto;max-width:720px;padding:32px 20px 64px;font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;
color:#1c2420;background:#f7f6f2}
h1{font-size:26px;line-height:1.3;margin:0 0 4px}h2{font-size:19px;margin:40px 0 12px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:20px 0}dt,.when,.made{color:#66706a}dd{margin:0}
article{background:#fff;border-radius:12px;padding:10px 16px;margin:8px 0;overflow-wrap:anywhere}article.customer{background:#e4f0e9}
article p{margin:2px 0;white-space:pre-wrap}.when{font-size:13px}.happened{background:none;padding:2px 16px;color:#66706a}
img,video{display:block;max-width:100%;max-height:480px;border-radius:8px;margin:8px 0}audio{width:100%}
"""
FOOT = "</main></body></html>\n"
PICTURES, FILMS, SOUNDS = (".jpg", ".png", ".webp"), (".mp4", ".webm", ".mkv"), "voice"


def head(language: Language, shop: Shop, profile: Profile, made_at: datetime) -> str:
    texts = TEXTS[language]
    name = shop.name_zh or shop.name if language == "zh-CN" else shop.name
    title = texts["title"].format(shop=name)
    made = texts["made"].format(at=_time(made_at, shop.time_zone), zone=shop.time_zone)
    facts = {
        "name": profile.name,
        "tags": ", ".join(profile.tags),
        "preferences": profile.preferences,
        "items": ", ".join(" ".join(filter(None, (item.name, item.material))) for item in profile.items),
    }
    rows = "".join(f"<dt>{texts[key]}</dt><dd>{escape(said)}</dd>" for key, said in facts.items() if said)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; "
        "media-src 'self' file:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="made">{escape(made)}</p><dl>{rows}</dl>'
    )


def section(language: Language, name: str) -> str:
    return f"<h2>{TEXTS[language][name]}</h2>\n"


def line(language: Language, zone: str, entry: Entry, media: dict[str, str]) -> str:
    """`media`: where in the zip the file of an attachment, of a picture or of a call's recording is, by its id."""
    texts, body = TEXTS[language], entry.body
    when = f'<time datetime="{entry.at.isoformat()}">{_time(entry.at, zone)}</time>'
    if entry.kind in ("recall", "erased") and not entry.gone:
        said = texts["erased"] if entry.kind == "erased" else ""
        return _happened(said, when) if said else ""
    if entry.gone:
        return _happened(texts[entry.gone], when)
    file = media.get(str(body.get("attachment") or body.get("picture_id") or ""))
    shown = [_paragraph(body.get(name)) for name in ("text", "caption")]
    if entry.kind == "recording":
        file = media.get(str(body.get("call_id")))
    if file is not None:
        label = str(body.get("name") or texts.get(entry.kind, ""))
        shown.append(_media(file, label, is_sound=entry.kind == SOUNDS))
    if any(shown):
        who = f'<p class="when">{escape(entry.author_name)} · {when}</p>'
        return f'<article class="{entry.side}">{who}{"".join(shown)}</article>\n'
    return _happened(_said(texts, entry), when)


def _said(texts: dict[str, str], entry: Entry) -> str:
    body: dict[str, Any] = entry.body
    if entry.kind == "booking":
        booking = body.get("booking", {})
        return f"{texts['booking']}: {booking.get('service', '')} {booking.get('starts_at', '')}"
    if entry.kind == "call":
        state = str(body.get("state"))
        spoke = texts["minutes"].format(n=max(1, round(float(body.get("seconds", 0)) / 60)))
        return f"{texts['call']} ({spoke})" if state == "ended" else texts.get(state, texts["call"])
    return texts.get(entry.kind, entry.kind).format(name=body.get("staff_name", ""))


def _happened(said: str, when: str) -> str:
    return f'<article class="happened">{escape(said)} <span class="when">{when}</span></article>\n'


def _paragraph(said: object) -> str:
    return f"<p>{escape(str(said))}</p>" if said else ""


def _media(file: str, label: str, *, is_sound: bool) -> str:
    source, name = escape(file, quote=True), escape(label, quote=True)
    if is_sound:
        return f'<audio controls src="{source}"></audio>'
    if file.endswith(PICTURES):
        return f'<a href="{source}"><img src="{source}" alt="{name}" loading="lazy"></a>'
    if file.endswith(FILMS):
        return f'<video controls src="{source}"></video>'
    return f'<p><a href="{source}" download>{name}</a></p>'


def _time(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
