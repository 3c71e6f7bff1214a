# SPDX-License-Identifier: MIT OR Apache-2.0
"""The way of a login through the module: what the person sees, what the module does, what of the disk it touches, and where
a login ends before its time. Faithful to src/login.rs."""

from svg import SANS, MONO, box, document, element, line, text

WIDTH = 800
# Left edge and width of each column.
PERSON, MODULE, DISK, END = (14, 146), (176, 262), (454, 166), (634, 154)

STYLE = (
    f"text {{ font-family: {SANS}; font-size: 12px; fill: #1f2733 }}\n"
    ".page { fill: #fbfbfd; stroke: #c9ced8 } .head { font-weight: bold; font-size: 12.5px; fill: #4b5565 }\n"
    ".step { fill: #e6eefc; stroke: #4a78c9 } .before { fill: #eef0f4; stroke: #98a1b0 }\n"
    ".name { font-weight: bold; font-size: 13px }\n"
    ".disk { fill: #fdf1d9; stroke: #cf9a34 } .write { fill: #f9dfae; stroke: #b87a10; stroke-width: 1.6 }\n"
    ".seen { fill: #1d2129; stroke: #1d2129 }\n"
    f".typed {{ font-family: {MONO}; font-size: 11px; fill: #e8ebf0 }}\n"
    ".end { fill: #fbe6e6; stroke: #cc5a5a } .ignore { fill: #e9f3e4; stroke: #6d9f52 }\n"
    ".lock { fill: #4a78c9; opacity: .16 } .locked { fill: #315c9f; font-size: 11px; font-weight: bold }\n"
    ".way { fill: none; stroke: #4b5565; stroke-width: 1.6; marker-end: url(#tip) }\n"
    ".aside { fill: none; stroke: #8a93a3; stroke-width: 1.2; marker-end: url(#aside) }\n"
    ".out { fill: none; stroke: #cc5a5a; stroke-width: 1.2; stroke-dasharray: 4 3; marker-end: url(#out) }\n"
    ".pass { fill: none; stroke: #6d9f52; stroke-width: 1.2; stroke-dasharray: 4 3; marker-end: url(#pass) }\n"
    ".small { font-size: 11px; fill: #4b5565 }\n"
)

# Top and height of a row; the module's box; person, disk and end beside it, where there is something.
ROWS = [
    {
        "height": 66,
        "module": ("before", "Before us: the password", ["pam_unix has found it right"]),
        "person": ["Password:"],
        "end": ("end", "out", ["a wrong password:", "nobody is asked", "for a code"]),
    },
    {
        "height": 70,
        "module": ("step", "1. Who, and from where", ["config, PAM user, account, service,", "address, ssh key; each is read once"]),
        "disk": ("disk", ["config.toml (owner and", "mode of the open file),", "name service"]),
        "end": ("end", "out", ["anything wrong:", "refused"]),
    },
    {
        "height": 70,
        "module": ("step", "2. Is a code wanted?", ["the first rule that holds, else", "[default]: pure, without a lock"]),
        "disk": ("disk", ["is users/1000 there?", "only where a rule or", "nullok asks for it"]),
        "end": ("ignore", "pass", ["exempt, waived, or to", "enroll now: no code", "is asked (PAM_IGNORE)"]),
    },
    {
        "height": 70,
        "module": ("step", "3. Ask", ["everybody alike: enrolled, not enrolled,", "blocked. Nothing is locked meanwhile"]),
        "person": ["Verification code:"],
        "end": ("end", "out", ["not shaped like", "a code: refused,", "not counted"]),
    },
    {
        "height": 70,
        "module": ("step", "4. Lock, read, unseal", ["one person's file: the record, and the", "newer of its two ledger slots"]),
        "disk": ("disk", ["users/1000 (flock, five", "seconds at most), the", "master key"]),
        "end": ("end", "out", ["not enrolled, no key,", "damaged, no lock:", "refused"]),
    },
    {
        "height": 70,
        "module": ("step", "5. Judge", ["record, ledger, code, address, time in;", "next ledger out, the answer still hidden"]),
        "disk": (None, ["no file and no clock of", "its own: a pure function"]),
    },
    {
        "height": 70,
        "module": ("step", "6. Write", ["for a wrong code as for a right one:", "nobody is answered before it is durable"]),
        "disk": ("write", ["the older slot, 4 KB in", "place: one pwritev2", "with RWF_DSYNC"]),
        "end": ("end", "out", ["not written:", "refused"]),
    },
    {
        "height": 70,
        "module": ("step", "7. Answer", ["PAM_SUCCESS for an accepted code", "that is on the disk, and nothing else"]),
        "person": ["alice@server:~$", "or  Not accepted. …"],
        "disk": ("disk", ["the log: who, where,", "how, why not; never", "a code"]),
    },
]
GAP = 20


def block(x, y, width, height, kind, words, letters=None):
    middle = y + height / 2 - (len(words) - 1) * 7.5 + 4
    shapes = [box(x, y, width, height, kind)] if kind else []
    return shapes + [text(x + 10, middle + 15 * n, said, letters) for n, said in enumerate(words)]


def tip(name, colour):
    arrow = element("path", d="M0 0L8 4L0 8z", fill=colour)
    return element("marker", arrow, id=name, viewBox="0 0 8 8", refX=7.0, refY=4.0, markerWidth=7.0, markerHeight=7.0, orient="auto")


def picture():
    ways, shapes, tops, top = [], [], [], 56
    for row in ROWS:
        tops.append(top)
        top += row["height"] + GAP
    height = top + 2
    locked = tops[4] - 9, tops[6] + ROWS[6]["height"] + 9
    shapes.append(box(MODULE[0] - 14, locked[0], MODULE[1] + 28, locked[1] - locked[0], "lock", 8))
    for place, name in ((PERSON, "the person"), (MODULE, "pam_nightlatch"), (DISK, "reads and writes"), (END, "ends here")):
        shapes.append(text(place[0] + 2, 36, name, "head"))
    for number, (row, y) in enumerate(zip(ROWS, tops)):
        high = row["height"]
        middle = y + high / 2
        kind, name, said = row["module"]
        shapes.append(box(MODULE[0], y, MODULE[1], high, kind))
        first = middle - (len(said) * 16) / 2 + 5
        shapes.append(text(MODULE[0] + 12, first, name, "name"))
        shapes += [text(MODULE[0] + 12, first + 17 + 15 * n, words) for n, words in enumerate(said)]
        if number:
            ways.append(line([(MODULE[0] + MODULE[1] / 2, y - GAP), (MODULE[0] + MODULE[1] / 2, y - 1)], "way"))
        if "person" in row:
            lines = row["person"]
            tall = 22 + 15 * len(lines)
            shapes += block(PERSON[0], middle - tall / 2, PERSON[1], tall, "seen", lines, "typed")
            edge = [(PERSON[0] + PERSON[1] + 1, middle), (MODULE[0] - 2, middle)]
            ways.append(line(edge[::-1] if number == len(ROWS) - 1 else edge, "aside"))
        if "disk" in row:
            kind, lines = row["disk"]
            shapes += block(DISK[0], y + 4, DISK[1], high - 8, kind, lines, None if kind else "small")
            edge = [(DISK[0] - 2, middle), (MODULE[0] + MODULE[1] + 2, middle)]
            if kind:
                ways.append(line(edge[::-1] if row["module"][1][:1] in "67" else edge, "aside"))
        if "end" in row:
            kind, way, lines = row["end"]
            shapes += block(END[0], y + 4, END[1], high - 8, kind, lines, None)
            begin = DISK[0] + DISK[1] + 2 if "disk" in row else MODULE[0] + MODULE[1] + 2
            ways.append(line([(begin, middle), (END[0] - 2, middle)], way))
    word = text(0, 0, "locked", "locked", transform=f"translate({MODULE[0] - 18} {tops[5] + 56}) rotate(-90)")
    defs = element("defs", tip("tip", "#4b5565") + tip("aside", "#8a93a3") + tip("out", "#cc5a5a") + tip("pass", "#6d9f52"))
    page = element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=9, class_="page")
    description = (
        "Top to bottom: the password was right; config, account and address are read; policy says whether a code is wanted; "
        "the code is asked for while nothing is locked; the person's file is locked, read and unsealed; the code is judged; "
        "the next ledger is written and flushed, for a wrong code too; only then the answer is given. A fault at any step refuses."
    )
    return document(WIDTH, height, "The way of a login", description, STYLE, [defs, page, *ways, *shapes, word])
