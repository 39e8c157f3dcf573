"""The words of the portraits: the pages' own texts in both languages, and what the people in them say and write."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

ENGLISH, CHINESE = "en-US", "zh-CN"
WEB = Path(__file__).parents[1] / "web/src"
# The pages' dictionaries: what is said in several of them is looked up in the order of who asks.
ROOMS = {
    "customer": ("customer/texts.ts",),
    "staff": ("i18n/staff.en.ts", "i18n/staff.zh.ts"),
    "shared": ("i18n/shared.texts.ts",),
    "talk": ("i18n/talk.texts.ts",),
    "files": ("talk/files.texts.ts",),
    "inbox": ("i18n/inbox.texts.ts",),
    "search": ("i18n/search.texts.ts",),
    "ring": ("i18n/ring.texts.ts",),
}
_ENTRY = re.compile(r'^  "?([\w.]+)"?:\s+("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
_FILLED = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")
_BETWEEN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")

_PEOPLE = {
    "Ana": "安娜",
    "A scratch on my brown bag": "棕色皮包上有一道划痕",
    "Mr Chen": "陈先生",
    "Mrs Wang-Hernández de la Torre": "欧阳王·埃尔南德斯女士（南京路）",
    "A suede jacket with a wine stain on the left sleeve, and the lining is torn": "麂皮外套左袖有红酒渍，内衬也撕开了，能不能一起处理",
    "Ms Zhao": "赵女士",
    "": "",
    "Tom": "Tom",
    "Zip": "拉链",
    "Auntie Liu": "刘阿姨",
    "Ring too tight": "戒指太紧了",
    "New soles for walking boots": "登山靴想换鞋底",
    "It happened on the train. Can it be saved?": "在地铁上蹭到的，还能修好吗？",
    "Yes. Only the finish is gone, the leather is sound.": "可以。只是表面涂层掉了，皮子没有伤到。",
    "Wonderful! It was a gift.": "太好了，这是别人送的礼物。",
    "We match the colour first.": "会先为您调好颜色。",
    "Bag from her sister. Match tan no. 4; test inside the flap.": "姐姐送的包。用棕色 4 号调色，先在盖内试色。",
    "There is a scratch on the flap of my bag. What would you take for it?": "我的包翻盖上有一道划痕，修一下大概多少钱？",
    # The conversation and the inbox.
    "Li Wei": "Li Wei",
    "Leather repair": "皮具修补",
    "Hello, the flap of my bag is scratched. Can you mend it?": "您好，我的包翻盖划了一道，还能修吗？",
    "This is the place": "就是这里",
    "Thank you. The leather is sound, only the finish is gone: 180, ready on Thursday.": "图片收到了。修补 180 元，周四可取。",
    "Is Wednesday possible?": "周三能好吗？",
    "Wednesday after four is fine.": "周三下午四点以后可以。",
    "The address is wrong, sorry": "地址发错了",
    "That was for another customer": "这条发错了",
    "The receipt is here:": "购买小票在这里：",
    "receipt.pdf": "购买小票.pdf",
    "Your colour card: https://example.com/colours": "色卡请看：https://example.com/colours",
    "I am on the underground, I will write soon": "我在地铁里，一会儿再说",
    "Wednesday": "周三",
    "umbrella": "雨伞",
    "boots": "靴子",
    "My new phone": "我的新手机",
    "Are my boots ready?": "我的靴子修好了吗？",
    "The zip of my jacket is stuck again, may I bring it by this afternoon?": "外套拉链又卡住了，今天下午送过去还来得及吗？",
    "The ring fits, thank you!": "戒指大小正好，谢谢！",
    "What does cleaning a suede jacket cost?": "清洗一件麂皮外套多少钱？",
    "Yes, until six": "来得及，我们六点关门",
    "We open at nine tomorrow": "明天九点开门",
    "We close at five today": "今天五点关门",
    "And on Sunday?": "周日开门吗？",
    "please match tan no. 4": "请用棕色 4 号调色",
    "pays by card, comes after six": "习惯刷卡，六点以后来",
    "Hours": "营业时间",
    "Hello {name}, we are open from 9 to 18, on Sundays from 10.": "{name}，您好！我们每天 9:00 – 18:00 营业，周日 10:00 开门。",
    "Ready": "可以取了",
    "Hello {name}, your item is ready to be picked up.": "{name}，您好！您的物品已修好，可以来取了。",
    "Price": "报价",
    "The repair costs": "修补费用是",
    "Likes calls after six, no scent on leather": "喜欢六点以后联系，皮料不用香味护理剂",
    "Brown shoulder bag": "棕色单肩包",
    "Calf leather, tan, 28 cm": "小牛皮，棕色，28 厘米",
    "I will call back": "我稍后回复您",
}  # fmt: skip


@cache
def _room(name: str) -> dict[str, str]:
    """English to Chinese."""
    files = ROOMS[name]
    if len(files) == 1:
        english, _, chinese = (WEB / files[0]).read_text(encoding="utf-8").partition("export const zh")
    else:
        english, chinese = ((WEB / file).read_text(encoding="utf-8") for file in files)
    said = {key: json.loads(text) for key, text in _ENTRY.findall(chinese)}
    return {json.loads(text): said[key] for key, text in _ENTRY.findall(english) if key in said}


def word(english: str, language: str, rooms: tuple[str, ...], /, **values: str | int) -> str:
    """A text of the pages, with its `{places}` filled as the pages fill them, or of the people in the portraits. KeyError
    when nobody says that."""
    if language == ENGLISH:
        return _fill(english, values)
    texts = next((room for room in map(_room, rooms) if english in room), _PEOPLE)
    return _BETWEEN_CHINESE.sub("", _fill(texts[english], values))


def _fill(text: str, values: dict[str, str | int]) -> str:
    def one(place: re.Match[str]) -> str:
        name, single, several = place.groups()
        if name not in values:
            return place[0]
        return str(values[name]) if several is None else (single if values[name] == 1 else several)

    return _FILLED.sub(one, text)
