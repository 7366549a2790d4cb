"""Firebase Authentication as operators use it. The functions only verify tokens: shared/adapters/firebase_auth.py."""

import firebase_admin
from firebase_admin import auth, exceptions

from shared.domain.errors import BadInput, Unavailable


def uid_of_email(project: str, email: str) -> str | None:
    """Return the uid of the user with this e-mail address, None when there is none.

    FIREBASE_AUTH_EMULATOR_HOST makes firebase-admin ask the Auth emulator.

    Raises:
        BadInput: it is not an e-mail address.
        Unavailable: Firebase Authentication does not answer, or not to this operator.
    """
    app = firebase_admin.initialize_app(options={"projectId": project}, name=f"ops-{project}")
    try:
        return str(auth.get_user_by_email(email, app=app).uid)
    except auth.UserNotFoundError:
        return None
    except ValueError as error:
        raise BadInput("bad_email", f"{email} is not an e-mail address") from error
    except exceptions.FirebaseError as error:
        raise Unavailable("auth_unavailable", f"Firebase Authentication does not answer: {error.code}") from error
    finally:
        firebase_admin.delete_app(app)
