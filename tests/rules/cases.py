"""What firestore.rules must allow and refuse: each case is one request, and the status it is answered with.

The cases do not depend on each other: what is refused changes nothing, and each allowed write has a user of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import methodcaller as ask

from tests.rules.firestore_rest import Fields, RestClient, newest_first, where

OK, DENIED, MISSING = 200, 403, 404

MOMENT = datetime(2025, 10, 25, tzinfo=UTC)
SERVER_FIELDS: Fields = {
    "tokenBalance": 110,
    "tokensReserved": 0,
    "totalTokensPurchased": 110,
    "totalTokensEarned": 0,
    "totalTokensSpent": 0,
    "stripeCustomerId": "cus_ada",
    "recentPurchases": [1_760_000_000],
    "openPurchases": {"cs_late": "waiting"},
    "reversals": {},
    "lastEntryAt": MOMENT,
    "subscription": {"status": "active"},
}
BALANCES = ("tokenBalance", "tokensReserved", "totalTokensPurchased", "totalTokensEarned", "totalTokensSpent")
SERVER_ONLY = (
    "accounts",
    "payments",
    "held_purchases",
    "security_alerts",
    "reconciliation_reports",
    "anything_new",
)
PURCHASE: Fields = {
    "userId": "ada",
    "type": "purchase",
    "amount": 110,
    "balanceAfter": 110,
    "timestamp": MOMENT,
    "details": {"packageId": "popular", "stripeSessionId": "cs_1"},
}
FORGED: Fields = {"userId": "ada", "type": "grant", "amount": 1_000_000, "balanceAfter": 1_000_110}

# The longest text that each profile field may hold, in characters.
TEXTS: Mapping[str, int] = {
    "displayName": 200,
    "username": 100,
    "firstName": 100,
    "lastName": 100,
    "bio": 2_000,
    "photoURL": 2_000,
    "website": 2_000,
    "locale": 40,
    "timeZone": 64,
    "country": 100,
}
TIMES = ("createdAt", "lastLoginAt")
CLAIMS: Fields = {"email": "ada@example.com", "email_verified": True, "phone_number": "+15550100"}
SIGN_IN: Fields = {"email": "ada@example.com", "emailVerified": True, "phoneNumber": "+15550100"}
PROFILE: Fields = {
    **{name: "x" * most for name, most in TEXTS.items()},
    **dict.fromkeys(TIMES, MOMENT),
    **SIGN_IN,
}
HUGE = "x" * 900_000

# Written with a server's rights before the cases are tried.
WORLD: Mapping[str, Fields] = {
    "users/ada": {**SERVER_FIELDS, "displayName": "Ada"},
    "users/bob": {**SERVER_FIELDS, "displayName": "Bob"},
    # An app's own data from before these rules: too long, and of another sign-in.
    "users/old": {**SERVER_FIELDS, "bio": "x" * 3_000, "email": "old@example.com", "nickname": "Oldie"},
    **{f"users/writer-{name}": {**SERVER_FIELDS, "displayName": "?"} for name in (*PROFILE, "uid", "removal", "all")},
    "users/ada/private/note": {"userId": "ada"},
    "archive/2025/users/ada": {"userId": "ada"},
    "transactions/purchase:cs_1": PURCHASE,
    "transactions/purchase:cs_2": {**PURCHASE, "userId": "bob", "details": {"stripeSessionId": "cs_2"}},
    "archive/2025/transactions/purchase:cs_0": PURCHASE,
    **{f"{collection}/ada": {"userId": "ada"} for collection in SERVER_ONLY},
}


@dataclass(frozen=True)
class Case:
    """One request, and the status it must be answered with. `uid` None is somebody signed out."""

    name: str
    uid: str | None
    request: Callable[[RestClient], int]
    status: int
    claims: Fields = field(default_factory=dict)

    def holds(self, client: RestClient) -> bool:
        return self.request(client.as_user(self.uid, self.claims)) == self.status


def _allowed(name: str, uid: str, request: Callable[[RestClient], int], claims: Fields | None = None) -> Case:
    return Case(name, uid, request, OK, claims or {})


def _denied(
    name: str, request: Callable[[RestClient], int], *, uid: str | None = "ada", claims: Fields | None = None
) -> Case:
    who = "" if uid == "ada" else f" ({uid or 'signed out'})"
    return Case(name + who, uid, request, DENIED, claims or {})


MINE = where("userId", "ada")


def _reading() -> Iterator[Case]:
    session = where("details.stripeSessionId", "cs_new")
    newest = newest_first("timestamp")
    yield _allowed("an owner reads their document", "ada", ask("get", "users/ada"))
    yield Case("a document that does not exist yet can be watched", "new", ask("get", "users/new"), MISSING)
    yield _allowed("an owner reads one entry", "ada", ask("get", "transactions/purchase:cs_1"))
    yield _allowed("an owner queries a page of entries", "ada", ask("query", "transactions", MINE, limit=100))
    yield _allowed("newest entries first", "ada", ask("query", "transactions", MINE, orderBy=newest, limit=20))
    yield _allowed("the page waits for an entry", "ada", ask("query", "transactions", MINE, session, limit=10))


def _reading_too_much() -> Iterator[Case]:
    requests = {
        "every own entry at once": ask("query", "transactions", MINE),
        "more own entries than a page": ask("query", "transactions", MINE, limit=101),
        "a count of every own entry": ask("count", "transactions", MINE),
        "own entries in every collection of that name": ask("query_group", "transactions", MINE, limit=1),
        "an own entry elsewhere": ask("get", "archive/2025/transactions/purchase:cs_0"),
        "another's document": ask("get", "users/bob"),
        "another's document that does not exist": ask("get", "users/new"),
        "the list of users": ask("list_documents", "users", pageSize=1),
        "a search among users": ask("query", "users", where("displayName", "Ada"), limit=1),
        "another's entry": ask("get", "transactions/purchase:cs_2"),
        "an entry that does not exist": ask("get", "transactions/purchase:none"),
        "another's entries": ask("query", "transactions", where("userId", "bob"), limit=1),
        "everybody's entries": ask("query", "transactions", limit=1),
        "everybody's purchases": ask("query", "transactions", where("type", "purchase"), limit=1),
        "another's session": ask("query", "transactions", where("details.stripeSessionId", "cs_2"), limit=1),
        "the list of entries": ask("list_documents", "transactions", pageSize=1),
        "a count of everybody's entries": ask("count", "transactions", limit=1),
        "every subcollection of that name": ask("query_group", "private", limit=1),
        "a document of that name elsewhere": ask("get", "archive/2025/users/ada"),
    }
    yield from (_denied(f"nobody reads {name}", request) for name, request in requests.items())


def _profile() -> Iterator[Case]:
    """An owner writes each profile field, removes it and sets it to null."""
    for name, value in PROFILE.items():
        uid = f"writer-{name}"
        yield _allowed(f"an owner writes {name}", uid, ask("update", f"users/{uid}", {name: value}), CLAIMS)
        yield _allowed(f"{name} may be null", f"null-{name}", ask("create", f"users/null-{name}", {name: None}))
    yield _allowed("uid is the owner's", "writer-uid", ask("update", "users/writer-uid", {"uid": "writer-uid"}))
    yield _allowed("a profile begins with every field", "full", ask("create", "users/full", PROFILE), CLAIMS)
    yield _allowed("all fields change at once", "writer-all", ask("update", "users/writer-all", PROFILE), CLAIMS)
    removal = ask("update", "users/writer-removal", {}, removing=["displayName"])
    yield _allowed("an owner removes a field", "writer-removal", removal)
    yield _allowed("what an app wrote before stops no change", "old", ask("update", "users/old", {"locale": "fr"}))


def _profile_bounds() -> Iterator[Case]:
    """A document that its owner has filled would have no room for a refund."""
    for name, most in TEXTS.items():
        too_long: Fields = {name: "x" * (most + 1)}
        yield _denied(f"{name} is not too long", ask("update", "users/ada", too_long))
        yield _denied(f"a newcomer's {name} is not too long", ask("create", "users/new", too_long), uid="new")
        for kind, value in {"number": 1, "list": ["x"], "huge list": [HUGE], "map": {"x": "x"}}.items():
            yield _denied(f"{name} is not a {kind}", ask("update", "users/ada", {name: value}))
    for name in TIMES:
        kinds = {"text": "2025-10-25", "number": 1, "list": [MOMENT], "map": {"x": MOMENT}, "huge map": {"x": HUGE}}
        for kind, value in kinds.items():
            yield _denied(f"{name} is not a {kind}", ask("update", "users/ada", {name: value}))
    for name in ("isAdmin", "role", "email_verified", "customClaims"):
        yield _denied(f"{name} is not a profile field", ask("update", "users/ada", {name: True}))
    yield _denied("an app's own field must be listed", ask("update", "users/old", {"nickname": "O"}), uid="old")
    yield _denied("what is not listed stays", ask("update", "users/old", {}, removing=["nickname"]), uid="old")


def _sign_in() -> Iterator[Case]:
    """Fields that somebody might take for proof of who the user is."""
    others: Fields = {"uid": "bob", "email": "bob@example.com", "phoneNumber": "+15550199", "emailVerified": False}
    for name, value in others.items():
        yield _denied(f"{name} is not another's", ask("update", "users/ada", {name: value}), claims=CLAIMS)
    for name, value in SIGN_IN.items():
        yield _denied(f"{name} needs the claim", ask("update", "users/ada", {name: value}))
        yield _denied(f"{name} is not 0 without the claim", ask("update", "users/ada", {name: 0}))


def _others_documents() -> Iterator[Case]:
    name: Fields = {"displayName": "Mallory"}
    yield _denied("another's profile is not changed", ask("update", "users/bob", name))
    yield _denied("another's profile is not begun", ask("create", "users/dora", name))
    yield _denied("another's document is not overwritten", ask("overwrite", "users/bob", name))
    yield _denied("another's field is not removed", ask("update", "users/bob", {}, removing=["displayName"]))
    yield _denied("another's document is not deleted", ask("delete", "users/bob"))


def _server_fields() -> Iterator[Case]:
    for name in SERVER_FIELDS:
        beside: Fields = {"displayName": f"Ada {name}", name: 1_000_000}
        begin: Fields = {"displayName": "New", name: 100}
        yield _denied(f"{name} is not written", ask("update", "users/ada", {name: 1_000_000}))
        yield _denied(f"{name} is not written beside a profile field", ask("update", "users/ada", beside))
        yield _denied(f"{name} is not removed", ask("update", "users/ada", {}, removing=[name]))
        yield _denied(f"a newcomer does not begin with {name}", ask("create", "users/new", begin), uid="new")
    for name in BALANCES:
        for transform, amount in {"increment": "1000000", "maximum": "1000000", "minimum": "-1"}.items():
            write = {"fieldPath": name, transform: {"integerValue": amount}}
            yield _denied(f"{name}: no {transform}", ask("transform", "users/ada", **write))
    begin_with = {"fieldPath": "tokenBalance", "increment": {"integerValue": "100"}}
    beside_entry = (("users/new", {"displayName": "New"}), ("transactions/grant:me", FORGED))
    in_map: Fields = {"openPurchases": {"cs_late": "credited"}}
    yield _denied("a document is not overwritten", ask("overwrite", "users/ada", {"displayName": "Countess"}))
    yield _denied("a key in a map is not written", ask("update", "users/ada", in_map))
    yield _denied("the own document is not deleted", ask("delete", "users/ada"))
    yield _denied("no balance in a commit", ask("commit", ("users/new", {"tokenBalance": 100})), uid="new")
    yield _denied(
        "no increment before the server's first write", ask("transform", "users/new", **begin_with), uid="new"
    )
    yield _denied("a forbidden write stops the one beside it", ask("commit", *beside_entry), uid="new")


def _entries() -> Iterator[Case]:
    entry = "transactions/purchase:cs_1"
    yield _denied("no entry is created", ask("create", "transactions/grant:ada", FORGED))
    yield _denied("no entry is changed", ask("update", entry, {"amount": 1_000_000}))
    yield _denied("no entry is overwritten", ask("overwrite", entry, FORGED))
    yield _denied("no entry is deleted", ask("delete", entry))


def _closed(path: str, uid: str | None) -> Iterator[Case]:
    collection = path.rpartition("/")[0]
    fields: Fields = {"userId": "ada", "displayName": "?"}
    requests = {
        "read": ask("get", path),
        "listed": ask("list_documents", collection, pageSize=1),
        "queried": ask("query_group", collection.rpartition("/")[2], MINE, limit=1),
        "created": ask("create", f"{collection}/new", fields),
        "changed": ask("update", path, fields),
        "deleted": ask("delete", path),
    }
    yield from (_denied(f"{path} is not {name}", request, uid=uid) for name, request in requests.items())


CASES = [
    *_reading(),
    *_reading_too_much(),
    *_profile(),
    *_profile_bounds(),
    *_sign_in(),
    *_others_documents(),
    *_server_fields(),
    *_entries(),
    *_closed("users/ada", None),
    *_closed("transactions/purchase:cs_1", None),
    *_closed("users/ada/private/note", "ada"),
    *_closed("users/ada/private/note", None),
    *(case for name in SERVER_ONLY for uid in ("ada", None) for case in _closed(f"{name}/ada", uid)),
]
