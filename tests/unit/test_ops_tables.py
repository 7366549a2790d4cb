"""What operators read on a terminal can be read and copied: no id is cut or broken, at any width or in a pipe."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from functools import cache
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
# As long as Stripe's and Firebase's ids are.
SESSION = "cs_test_a1V5peUiPgGgAdiiMGXhT9wkHVTFapN4RtZ8oQbXv2LmKc3Ds7YfEh0WjT"  # pragma: allowlist secret
PAYMENT = "pi_3PgafuB7WZ01zgkW1XYmPNZs"
UID = "u7Zq9RkLmNpQrStUvWxYz0123456"  # pragma: allowlist secret
KEY = "generate-answer:3f2b8c1e-7a64-4d0e-9b1c-5e8f0a2d6c47:attempt-1"  # pragma: allowlist secret
SEPARATOR = "=" * 20
COMMANDS = {
    f"user show {UID}": (UID, f"purchase:{SESSION}", f"{SESSION}2", f"held:{SESSION}2"),
    "held list": (UID, f"{SESSION}2", "terms_mismatch"),
    "alerts list": (UID, f"held:{SESSION}2", f"{SESSION}2"),
    f"audit {UID}": (UID,),
    f"reservations show {UID}": (UID, KEY),
    f"adjust {UID} -5 --key ticket-4711 --operator Grace --reason ticket --yes": (UID, "adjustment:ticket-4711"),
}
# A user with a purchase, a hold and an alert; then the commands, on the process's own standard output.
SCRIPT = f"""
import sys
from tests.operators import Operator
from tests.purchases import NO_LIMITS, invalid, purchase
from ops.cli import cli
from shared.adapters.firestore.reservations import Reservations
from shared.domain.spend_requests import ReservationKey, ReservationRequest
operator = Operator()
operator.ledger.credit(purchase("{SESSION}", uid="{UID}", payment_intent_id="{PAYMENT}"), NO_LIMITS)
operator.ledger.hold(invalid("{SESSION}2", uid="{UID}"))
whose = ReservationKey("{UID}", "{KEY}")
Reservations(operator.ledger.store).reserve(ReservationRequest(whose, 10, 10, "render", 900, "release"))
for words in sys.argv[1:]:
    try:
        cli.main(words.split(), obj=operator.connection())
    except SystemExit as end:
        assert not end.code
    print("{SEPARATOR}")
"""


@cache
def shown(columns: int | None) -> dict[str, str]:
    """Return what each command prints on a terminal of so many columns, or for None into a pipe."""
    command = [sys.executable, "-c", SCRIPT, *COMMANDS]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    if columns is None:
        output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout
    else:
        output = _on_terminal(command, environment, columns)
    parts = click.unstyle(output.decode()).replace("\r\n", "\n").split(f"{SEPARATOR}\n")
    return dict(zip(COMMANDS, parts[:-1], strict=True))


def _on_terminal(command: list[str], environment: dict[str, str], columns: int) -> bytes:
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    output = b""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=end, stdout=end, stderr=subprocess.PIPE) as process:
        os.close(end)
        while chunk := _read(terminal):
            output += chunk
        os.close(terminal)
        assert process.wait() == 0, process.stderr.read() if process.stderr else ""
    return output


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


@pytest.mark.parametrize("columns", [60, 80, 132, 250, None])
@pytest.mark.parametrize("command", COMMANDS)
def test_ids_are_whole(command: str, columns: int | None) -> None:
    output = shown(columns)[command]

    assert "…" not in output
    assert [id_ for id_ in COMMANDS[command] if id_ not in output] == []


def test_a_table_that_fits_is_a_table_and_one_that_does_not_is_a_list() -> None:
    narrow, wide, piped = (shown(columns)["held list"] for columns in (80, 250, None))

    assert "┃" in wide
    assert "┃" in piped
    assert "┃" not in narrow
    assert f"  session     {SESSION}2" in narrow.splitlines()


def test_no_line_of_a_table_is_longer_than_its_terminal() -> None:
    assert max(map(len, shown(250)["held list"].splitlines())) <= 250


def test_a_row_into_a_pipe_is_one_line() -> None:
    [row] = [line for line in shown(None)["held list"].splitlines() if SESSION in line]

    assert UID in row
    assert "match none of the terms of popular" in row
