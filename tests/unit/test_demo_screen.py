"""The demo's picture is whole at every size, on terminals with and without line drawing."""

from datetime import timedelta
from io import BytesIO, TextIOWrapper

import pytest
from rich.console import Console

from cospaced.commands.demonstration.board import Board, Conference, Line, Scene, Voice
from cospaced.commands.demonstration.daemon_log import DaemonLog
from cospaced.commands.demonstration.screen import Screen
from cospaced.commands.demonstration.site import EARLY_JOIN, Invitation, endpoint_of
from cospaced.commands.demonstration.witness import Witness
from cospaced.simulator.cluster import Cluster
from support.virtual import SeededEntropy, VirtualClock, run_virtually


FILE = (
    "[cms]\naddress = https://127.0.0.1:38041\n[pool]\nquantity = 20\n[conferences]\nearly = 4s\n"
)
OF_EXCHANGE = """
[calendar:exchange]
type = exchange
server = https://127.0.0.1:38041/EWS/Exchange.asmx
auth = ntlm
username = cospaced
password_file = exchange.password
ca_file = exchange/ca.pem
"""


def board(clock: VirtualClock, *, booked: bool, file: str = FILE) -> Board:
    """A board in the middle of the story: one conference runs, another comes."""
    cluster = Cluster(clock, SeededEntropy(1))
    made = Board(witness=Witness(cluster), requests=lambda: len(cluster.requests))
    made.configuration = file
    made.scene = Scene(number=4, of=11, title="On the second, the rooms ring", text="Aula rings.")
    for title, number, rooms in (
        ("Budget review", 82001, ("Aula", "Boardroom", "Cellar", "Library")),
        ("Design critique", 82002, ("Aula", "Studio")),
    ):
        cluster.scenarios.make_space(title, uri=str(number), nonMemberAccess="true")
        start = clock.now() + EARLY_JOIN / 2
        invitation = Invitation(
            uid=title, title=title, organizer="Ada", start=start,
            end=start + timedelta(seconds=14), rooms=rooms,
        )  # fmt: skip
        if booked:
            made.conferences.append(
                Conference(
                    invitation=invitation, sent=invitation, booking=title,
                    state="open", number=number,
                )
            )  # fmt: skip
    cluster.scenarios.dial_in(endpoint_of("Cellar"), "82001")
    for count in range(40):
        text = "a sentence that does not fit a line " * 3 + f"line{count}"
        made.say(Line(at=clock.now(), voice=Voice.DAEMON, text=text))
    return made


def drawn(
    width: int, height: int, *, booked: bool = True, encoding: str = "utf-8", file: str = FILE
) -> list[str]:
    page = BytesIO()

    async def main(clock: VirtualClock) -> None:
        paper = TextIOWrapper(page, encoding=encoding)
        console = Console(file=paper, width=width, height=height, color_system=None)
        console.print(Screen(board(clock, booked=booked, file=file), clock, console).picture())
        paper.flush()
        paper.detach()

    run_virtually(main)
    return page.getvalue().decode(encoding).rstrip("\n").split("\n")


@pytest.mark.parametrize("booked", [True, False])
@pytest.mark.parametrize("size", [(72, 22), (80, 24), (100, 30), (120, 40), (200, 50)])
def test_the_picture_has_the_size_of_the_terminal(size: tuple[int, int], booked: bool) -> None:
    rows = drawn(*size, booked=booked)
    assert len(rows) == size[1]
    assert max(len(row) for row in rows) <= size[0]
    assert rows[-1].startswith("daemon")
    assert any("line39" in row for row in rows), "the latest line is not shown"


@pytest.mark.parametrize("size", [(72, 22), (80, 24), (120, 40)])
def test_the_file_of_an_exchange_takes_the_place_of_what_matters_less(
    size: tuple[int, int],
) -> None:
    rows = drawn(*size, booked=False, file=FILE + OF_EXCHANGE)
    text = "\n".join(rows)
    assert "auth = ntlm" in text
    assert "... and 4 more rooms" in text
    assert "early = 4s" not in text
    assert any("line39" in row for row in rows), "the latest line is not shown"


def test_every_room_of_both_conferences_is_shown_on_80_by_24() -> None:
    text = "\n".join(drawn(80, 24))
    assert [text.count(name) for name in ("Boardroom", "Cellar", "Library", "Studio")] == [1] * 4
    assert "starts in 2 s" in text
    assert "dialled in, never rung" in text


def test_a_terminal_without_line_drawing_gets_plain_signs() -> None:
    for booked in (True, False):
        assert "\n".join(drawn(80, 24, booked=booked, encoding="ascii")).isascii()


def test_the_daemons_lines_speak_of_titles_and_rooms_not_of_ids() -> None:
    said: list[str] = []

    async def main(clock: VirtualClock) -> None:
        made = board(clock, booked=True)
        log = DaemonLog(made, {"127.0.0.1:8443": "core1", "/tmp/x/": ""})
        call = "6f0e5c53-1111-2222-3333-c05bace0da3e"
        for event, message, keys in (
            ("call.started", f"Started call {call} on 127.0.0.1:8443 for Design critique", {}),
            ("leg.dialled", "Dialled aula@rooms.example.org in room Aula, 3000 ms late",
             {"attempt": 2}),
            ("booking.closed", "Closed booking Budget review", {"booking": "Budget review"}),
        ):  # fmt: skip
            record = {"event": event, "message": message, "timestamp": "2026-11-23T09:00:00.000Z"}
            log.take({**record, **keys})
        said.extend(line.text for line in list(made.lines)[-3:])
        assert made.conferences[0].state == "closed"

    run_virtually(main)
    assert said == [
        "Started call 6f0e5c53… on core1 for Design critique",
        "Dialled Aula",
        "Closed booking 'Budget review'",
    ]
