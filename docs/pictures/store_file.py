# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where what lies, and a person's file byte by byte, with who writes which part when. Faithful to docs/FORMAT.md."""

from svg import SANS, MONO, box, document, element, line, text
from login_flow import tip

WIDTH = 800
STYLE = (
    f"text {{ font-family: {SANS}; font-size: 12px; fill: #1f2733 }}\n"
    ".page { fill: #fbfbfd; stroke: #c9ced8 } .head { font-weight: bold; font-size: 13px }\n"
    f".path, .at {{ font-family: {MONO}; font-size: 11.5px }} .at {{ fill: #4b5565; text-anchor: end }}\n"
    ".small { font-size: 11px; fill: #4b5565 } .name { font-weight: bold }\n"
    ".room { fill: #fff; stroke: #c9ced8 }\n"
    ".clear { fill: #eef0f4; stroke: #98a1b0 } .sealed { fill: #e6eefc; stroke: #4a78c9 } .empty { fill: #fff; stroke: #c9ced8 }\n"
    ".slot { fill: #e9f3e4; stroke: #6d9f52 } .frame { fill: none; stroke: #4b5565; stroke-width: 1.6 }\n"
    ".way { fill: none; stroke: #4b5565; stroke-width: 1.4; marker-end: url(#tip) }\n"
)

# Path, mode, what; and how deep it stands.
CONFIG = [
    (0, "/etc/nightlatch/", "", ""),
    (1, "config.toml", "0644", "policy, no secret"),
    (1, "keys/", "0700", ""),
    (2, "<key id>", "0400", "32 random bytes"),
]
STORE = [
    (0, "/var/lib/nightlatch/", "0700", ""),
    (1, "store", "0600", "marks a store"),
    (1, "users/", "0700", ""),
    (2, "1000", "0600", "alice, 12,288 bytes"),
    (2, "1001", "0600", "bob"),
]
FILE, FILE_WIDTH = 118, 316


def tree(x, y, width, lines, mode, what):
    shapes = [box(x, y, width, 20 + 20 * max(len(CONFIG), len(STORE)), "room")]
    for n, (depth, path, bits, words) in enumerate(lines):
        base = y + 24 + 20 * n
        shapes.append(text(x + 14 + 18 * depth, base, path, "path"))
        shapes += [text(x + mode, base, bits, "path")] if bits else []
        shapes += [text(x + what, base, words, "small")] if words else []
    return shapes


def part(y, height, kind, name, words, x=FILE, width=FILE_WIDTH):
    first = y + height / 2 + 4 - (7.5 if words else 0)
    shapes = [box(x, y, width, height, kind, 0), text(x + 12, first, name, "name")]
    return shapes + ([text(x + 12, first + 15, words, "small")] if words else [])


def writer(y, name, words):
    return [text(480, y, name, "name")] + [text(480, y + 17 + 15 * n, said) for n, said in enumerate(words)]


def slot(y, name, sequence):
    shapes = part(y, 34, "clear", f"slot {name}: sequence {sequence}", "", width=FILE_WIDTH)
    shapes.append(text(FILE + FILE_WIDTH - 12, y + 21, "in clear", "small", text_anchor="end"))
    return shapes + part(y + 34, 50, "slot", "the ledger, sealed", "used steps and counters, failures, used backup codes")


def picture():
    top = 222
    ends = [top, top + 150, top + 234, top + 318]
    shapes = [text(20, 34, "Two places, kept apart", "head")]
    shapes += tree(20, 48, 366, CONFIG, 136, 182)
    shapes += tree(414, 48, 366, STORE, 176, 222)
    shapes.append(text(20, top - 22, "A person's file: three blocks of 4,096 bytes", "head"))
    shapes.append(text(480, top - 22, "Who writes it, and when", "head"))
    shapes += part(top, 44, "clear", "header, in clear", "name, uid, key id, record id, version")
    shapes += part(top + 44, 62, "sealed", "the record, sealed", "devices with their secrets, hashed backup codes")
    shapes += part(top + 106, 44, "empty", "zeros", "")
    shapes += slot(ends[1], "A", "41") + slot(ends[2], "B", "42")
    shapes += [element("rect", x=FILE, y=y, width=FILE_WIDTH, height=end - y, class_="frame") for y, end in zip(ends, ends[1:])]
    for y, offset in ((ends[0], "0"), (top + 44, "512"), (ends[1], "4,096"), (ends[2], "8,192"), (ends[3], "12,288")):
        shapes.append(text(FILE - 10, y + (10 if y == ends[0] else 4 if y != ends[3] else 2), offset, "at"))
    shapes += writer(
        top + 30,
        "enroll, device, backup-codes, bypass, …",
        ["The whole file is written anew beside the old", "one, flushed and renamed over it, under the lock.", "Its record id is drawn anew: no older slot fits."],
    )
    shapes += writer(
        ends[1] + 32,
        "a login, right code or wrong",
        ["The older slot (here A, as 43), in place, by one", "flushed write. B stays whole if the power goes,", "and no block is allocated: a full disk is no matter."],
    )
    shapes += writer(
        ends[2] + 28,
        "a backup or bypass code, a block, unlock",
        ["Both slots, one after the other: no single bad", "block makes a used code fresh."],
    )
    ways = [line([(474, y), (FILE + FILE_WIDTH + 4, y)], "way") for y in (top + 26, ends[1] + 28, ends[2] + 24)]
    foot = ends[3] + 34
    shapes.append(text(20, foot, "Sealed: XChaCha20-Poly1305 under a key made from the master key and the record id, bound to header, part and sequence."))
    shapes.append(text(20, foot + 18, "So no part opens in another person's file, in another place, or beside another writing of the record."))
    height = foot + 38
    description = (
        "Above: /etc/nightlatch holds config and master keys, /var/lib/nightlatch the store with one file for each person. "
        "Below: such a file has a block with header and sealed record, and two ledger slots at 4,096 and 8,192. Enrollment and "
        "changes write the whole file anew; a login overwrites the older slot in place; rare events write both."
    )
    defs = element("defs", tip("tip", "#4b5565"))
    page = element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=9, class_="page")
    return document(WIDTH, height, "The store, and a person's file", description, STYLE, [defs, page, *ways, *shapes])
