"""Firebase Authentication as operators use it. The functions only verify tokens: shared/adapters/firebase_auth.py.

FIREBASE_AUTH_EMULATOR_HOST makes firebase-admin ask the Auth emulator.
"""

from collections.abc import Callable

import firebase_admin
from firebase_admin import auth, exceptions

from shared.domain.errors import BadInput, Unavailable


def uid_of_email(project: str, email: str) -> str | None:
    """Return the uid of the user with this e-mail address, None when there is none.

    Raises:
        BadInput: it is not an e-mail address.
        Unavailable: Firebase Authentication does not answer, or not to this operator.
    """
    try:
        return _uid(project, lambda app: auth.get_user_by_email(email, app=app))
    except ValueError as error:
        raise BadInput("bad_email", f"{email} is not an e-mail address") from error


def has_signed_up(project: str, uid: str) -> bool:
    """Tell whether a user with this uid exists.

    Raises:
        Unavailable: Firebase Authentication does not answer, or not to this operator.
    """
    return _uid(project, lambda app: auth.get_user(uid, app=app)) is not None


def _uid(project: str, find: Callable[[firebase_admin.App], auth.UserRecord]) -> str | None:
    app = firebase_admin.initialize_app(options={"projectId": project}, name=f"ops-{project}")
    try:
        return str(find(app).uid)
    except auth.UserNotFoundError:
        return None
    except exceptions.FirebaseError as error:
        raise Unavailable("auth_unavailable", f"Firebase Authentication does not answer: {error.code}") from error
    finally:
        firebase_admin.delete_app(app)
