"""The account that the local pages sign in to with one click."""

import httpx

EMAIL = "demo@example.com"
PASSWORD = "demo-password"  # noqa: S105 -- an emulator's account, and the page shows it

_TIMEOUT_S = 30  # an emulator's first answers are slow on a busy machine
_SIGN_UP = "http://{emulator}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=demo"


def set_up(emulator: str) -> None:
    """Create the account in the Auth emulator at host:port, unless it exists."""
    answer = httpx.post(
        _SIGN_UP.format(emulator=emulator), json={"email": EMAIL, "password": PASSWORD}, timeout=_TIMEOUT_S
    )
    if "EMAIL_EXISTS" not in answer.text:
        answer.raise_for_status()
