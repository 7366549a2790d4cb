"""Who is signed in, without Firebase: `Bearer ada` is ada."""

from shared.adapters.firebase_auth import User
from shared.domain.errors import NotSignedIn

ADA = {"Authorization": "Bearer ada"}


class FakeIdentity:
    """Takes the user's id for a token."""

    def user_of(self, authorization: str | None, _app_check_token: str | None = None) -> User:
        scheme, _, uid = (authorization or "").partition(" ")
        if scheme != "Bearer" or not uid:
            raise NotSignedIn
        return User(uid, f"{uid}@example.com")
