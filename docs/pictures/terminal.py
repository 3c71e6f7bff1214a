# SPDX-License-Identifier: MIT OR Apache-2.0
"""A terminal's screen, as tmux keeps it with colours, as a picture: every cell where it stood. Half blocks are drawn as
squares and not as letters, so that a phone reads the QR code whatever the font is."""

import re
from typing import NamedTuple

import svg

WIDTH = 800
MARGIN = 18
BAR = 34


class Screen(NamedTuple):
    name: str
    # What stands in the bar of the window.
    bar: str
    columns: int
    title: str
    description: str
    # What the screen does not show, beside the line that has it: the line's number and its text, so that no note outlives it.
    notes: tuple = ()


SCREENS = [
    Screen(
        "login",
        "alice on her laptop",
        97,
        "A login by ssh with password and code",
        "alice logs in by ssh: after the password she is asked for a verification code, and is in. Then the same code "
        "again, after the right password: not accepted, each code works once. What she types is not shown; the notes in "
        "slanted letters are the picture's.",
        (
            (2, "(alice@server) Password:", "her password"),
            (3, "(alice@server) Verification code:", "the code that her phone shows"),
            (8, "(alice@server) Password:", "her password"),
            (9, "(alice@server) Verification code:", "the same code once more"),
        ),
    ),
    Screen(
        "enroll",
        "nightlatch enroll alice",
        97,
        "nightlatch enroll alice",
        "The screen on which alice is enrolled: a QR code for the authenticator app, the secret for typing it, and the "
        "question for the first code. alice and her secret are made up.",
    ),
    Screen(
        "backup-codes",
        "root on the server",
        97,
        "Backup codes after an enrollment",
        "After the first code alice is enrolled, and ten backup codes are shown once. alice and her codes are made up.",
    ),
    Screen(
        "sudo",
        "alice on the server",
        97,
        "sudo with password and code",
        "alice runs sudo: it asks for her password and then for a code, and runs the command. With the same code again: "
        "Sorry, try again. The notes in slanted letters are the picture's.",
        (
            (2, "[sudo] password for alice:", "her password"),
            (3, "Verification code:", "the next code"),
            (6, "[sudo] password for alice:", "her password"),
            (7, "Verification code:", "the same code once more"),
        ),
    ),
    Screen(
        "status",
        "root on the server",
        110,
        "nightlatch status alice, nightlatch list --all",
        "What an administrator sees of alice: when she was enrolled, her phone, backup codes left, failures and her last "
        "login; and a list of everybody, with bob who is not enrolled.",
    ),
    Screen(
        "doctor",
        "root on the server",
        110,
        "nightlatch doctor with a finding",
        "nightlatch doctor finds that sudo-i asks for no code while sudo does, and says what to do.",
    ),
]

BACKGROUND = "#1d2129"
STYLE = (
    f"text {{ font-family: {svg.MONO}; fill: #d8dde6; white-space: pre }}\n"
    ".bar { fill: #9aa3b2; text-anchor: middle }\n"
    ".note { fill: #e3b866; font-style: italic }\n"
    ".bold { font-weight: bold }\n"
    ".red { fill: #ff7b86 } .green { fill: #84d793 } .blue { fill: #82b1ff } .black { fill: #000 }\n"
)
COLOURS = {"31": "red", "32": "green", "34": "blue", "38;5;16": "black", "39": None}
BACKGROUNDS = {"48;5;231": "#ffffff", "49": None}


class Cell(NamedTuple):
    letter: str
    colour: str | None
    ground: str | None
    bold: bool


def rows(captured):
    """The cells of each line. What is not known is an error: a picture is not to differ from what was on the screen."""
    found, colour, ground, bold = [], None, None, False
    for line in captured.split("\n"):
        cells = []
        for part in re.split("(\x1b\\[[0-9;]*m)", line):
            if not part.startswith("\x1b"):
                cells += [Cell(letter, colour, ground, bold) for letter in part]
                continue
            setting = part[2:-1]
            if setting in ("", "0"):
                colour, ground, bold = None, None, False
            elif setting == "1":
                bold = True
            elif setting in COLOURS:
                colour = COLOURS[setting]
            elif setting in BACKGROUNDS:
                ground = BACKGROUNDS[setting]
            else:
                raise ValueError(f"no colour is known for {setting!r}")
        while cells and cells[-1].letter == " " and cells[-1].ground is None:
            cells.pop()
        found.append(cells)
    while found and not found[-1]:
        found.pop()
    return found


def runs(cells, key):
    """Neighbours that are alike, each with the column where they begin."""
    begin = 0
    for end in range(1, len(cells) + 1):
        if end == len(cells) or key(cells[end]) != key(cells[begin]):
            yield begin, cells[begin:end]
            begin = end


def modules(lines):
    """The half blocks of all lines as one path, two units to a line: neighbours in a half line are one rectangle."""
    path = []
    for row, cells in enumerate(lines):
        for half, drawn in ((0, "█▀"), (1, "█▄")):
            for column, run in runs(cells, lambda cell: cell.letter in drawn):
                if run[0].letter in drawn:
                    path.append(f"M{column} {2 * row + half}h{len(run)}v1h-{len(run)}z")
    return "".join(path)


def words(cells):
    """Text in one colour without a gap, so that no font moves a column."""
    for begin, run in runs(cells, lambda cell: (cell.colour, cell.bold)):
        letters = "".join(" " if cell.letter in "█▀▄" else cell.letter for cell in run)
        for match in re.finditer(r"\S+(?: \S+)*", letters):
            yield begin + match.start(), match.group(), run[0]


def picture(screen, captured):
    lines = rows(captured)
    widest = max(len(cells) for cells in lines)
    if widest > screen.columns:
        raise ValueError(f"{screen.name}: a line has {widest} columns, and the screen {screen.columns}")
    wide = (WIDTH - 2 * MARGIN) / screen.columns
    size = wide / 0.602
    has_code = any(cell.letter in "█▀▄" for cells in lines for cell in cells)
    # A module of a QR code is half a line high, and as wide as it is high.
    high = 2 * wide if has_code else 1.42 * size
    top = BAR + 14
    height = top + len(lines) * high + 16
    shapes = [svg.element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=9, fill=BACKGROUND, stroke="#4a5160")]
    shapes.append(svg.element("path", d=f"M.5 {BAR}V9.5a9 9 0 0 1 9-9H{WIDTH - 9.5}a9 9 0 0 1 9 9V{BAR}z", fill="#2a303b"))
    shapes += [svg.element("circle", cx=20 + 18 * n, cy=17, r=5.5, fill="#4a5160") for n in range(3)]
    shapes.append(svg.text(WIDTH / 2, 21.5, screen.bar, "bar", font_size="13px"))
    place = f"translate({svg.number(MARGIN)} {svg.number(top)})"
    drawn = []
    for row, cells in enumerate(lines):
        for column, run in runs(cells, lambda cell: cell.ground):
            if run[0].ground:
                drawn.append((column, row, len(run), run[0].ground))
    for column, row, length, ground in joined(drawn):
        at = {"x": MARGIN + column * wide, "y": top + row[0] * high, "width": length * wide, "height": (row[1] - row[0]) * high}
        shapes.append(svg.element("rect", **at, fill=ground, shape_rendering="crispEdges"))
    if has_code:
        path = svg.element("path", d=modules(lines), shape_rendering="crispEdges")
        shapes.append(svg.element("g", path, transform=f"{place} scale({wide:.4f})"))
    said = []
    for row, cells in enumerate(lines):
        base = (row + 0.5) * high + 0.35 * size
        for column, letters, cell in words(cells):
            kind = " ".join(word for word in ("bold" if cell.bold else "", cell.colour or "") if word) or None
            said.append(svg.text(column * wide, base, letters, kind, textLength=len(letters) * wide))
    for row, beside, note in screen.notes:
        shown = "".join(cell.letter for cell in lines[row - 1]).rstrip()
        if shown != beside:
            raise ValueError(f"{screen.name}: line {row} is {shown!r}, and its note is for {beside!r}")
        said.append(svg.text((len(beside) + 2) * wide, (row - 0.5) * high + 0.35 * size, note, "note"))
    shapes.append(svg.element("g", "\n" + "\n".join(said) + "\n", transform=place, font_size=f"{svg.number(size)}px"))
    return svg.document(WIDTH, height, screen.title, screen.description, STYLE, shapes)


def joined(drawn):
    """Grounds of one width and colour below each other, as one."""
    open_, done = {}, []
    for column, row, length, ground in drawn:
        key = (column, length, ground)
        if key in open_ and open_[key][1] == row:
            open_[key][1] = row + 1
        else:
            if key in open_:
                done.append((key, open_.pop(key)))
            open_[key] = [row, row + 1]
    done += open_.items()
    return [(column, rows_, length, ground) for (column, length, ground), rows_ in done]
