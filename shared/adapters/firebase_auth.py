"""Firebase ID token → user. The only module that imports firebase-admin.

FIREBASE_AUTH_EMULATOR_HOST makes firebase-admin accept the Auth emulator's unsigned tokens; shared/runtime/settings.py
refuses it on Cloud Run.
"""

from dataclasses import dataclass

import firebase_admin
from firebase_admin import auth

from shared.domain.entry import is_uid
from shared.domain.errors import NotSignedIn, Unavailable

_CLOCK_SKEW_S = 5
_TIMEOUT_S = 5.0  # for Google's certificates; firebase-admin would wait for two minutes
_SIGN_IN_AGAIN = "The sign-in has expired or is not valid - sign in again"


@dataclass(frozen=True, slots=True)
class User:
    """Who sent a request: the Firebase uid, and the e-mail address when it is verified.

    Firebase lets anyone sign up with anyone's address, so another address is not the user's.
    """

    uid: str
    email: str | None


class Identity:
    """Checks the ID tokens of one Firebase project."""

    def __init__(self, project: str) -> None:
        self._app = _app_of(project)

    def user_of(self, authorization: str | None) -> User:
        """Return the user whose ID token an Authorization header (`Bearer …`) carries.

        Raises:
            NotSignedIn: there is none, it is not valid for this project (or no longer), or its uid cannot name a
                document.
            Unavailable: Google's certificates cannot be fetched.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn
        try:
            claims = auth.verify_id_token(token.strip(), app=self._app, clock_skew_seconds=_CLOCK_SKEW_S)
        except auth.CertificateFetchError as error:
            raise Unavailable("identity_unavailable") from error
        except (auth.InvalidIdTokenError, auth.UserDisabledError, ValueError, RecursionError) as error:
            raise NotSignedIn(_SIGN_IN_AGAIN) from error
        if not is_uid(claims["uid"]):  # with an identity provider of their own, a project can give out any
            raise NotSignedIn(_SIGN_IN_AGAIN)
        email = claims.get("email")
        return User(claims["uid"], email if isinstance(email, str) and claims.get("email_verified") is True else None)


def _app_of(project: str) -> firebase_admin.App:
    """Return the project's Firebase app. An instance's first requests may ask at once: one of them makes it."""
    name = f"identity-{project}"
    try:
        return firebase_admin.initialize_app(options={"projectId": project, "httpTimeout": _TIMEOUT_S}, name=name)
    except ValueError:
        return firebase_admin.get_app(name)
