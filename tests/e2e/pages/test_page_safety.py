"""What scripts on a page cannot do: change a balance, or come from elsewhere."""

from typing import Any

import httpx
import pytest
from google.cloud import firestore
from playwright.sync_api import Route, expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide
from tests.e2e.pages.shopper import Shopper
from topology.functions import ROOT

PAGES = ["/", "/buy-tokens", "/token-purchase-success", "/token-purchase-cancel", "/transactions", "/account"]

# What somebody could type into the console: Google's own SDK with the sign-in of the page.
WRITE_BY_SDK = """async ([uid, change]) => {
  const [{ initializeApp }, auth, store] = await Promise.all(
    ["app", "auth", "firestore"].map((part) => import(`/sdk/firebase-${part}.js`)));
  window.theirs ??= await (async () => {
    const init = await (await fetch("/__/firebase/init.json")).json();
    const app = initializeApp(init);
    const session = auth.initializeAuth(app, { persistence: auth.indexedDBLocalPersistence });
    auth.connectAuthEmulator(session, init.emulators.auth, { disableWarnings: true });
    await session.authStateReady();
    const db = store.getFirestore(app);
    const [host, port] = init.emulators.firestore.split(":");
    store.connectFirestoreEmulator(db, host, Number(port));
    return db;
  })();
  const db = window.theirs;
  const mine = store.doc(db, "users", uid);
  const writes = {
    set: () => store.setDoc(mine, { tokenBalance: 1e6 }),
    merge: () => store.setDoc(mine, { tokenBalance: 1e6 }, { merge: true }),
    update: () => store.updateDoc(mine, { tokenBalance: 1e6 }),
    increment: () => store.updateDoc(mine, { tokenBalance: store.increment(1e6) }),
    remove: () => store.updateDoc(mine, { tokenBalance: store.deleteField() }),
    delete: () => store.deleteDoc(mine),
    entry: () => store.addDoc(store.collection(db, "transactions"), { userId: uid, type: "grant", amount: 1e6 }),
    profile: () => store.updateDoc(mine, { displayName: "Ada" }),
  };
  return writes[change]().then(() => "written", (error) => error.code);
}"""


@pytest.fixture
def rich(signed_in: Shopper, stripe_side: StripeSide) -> Shopper:
    """A buyer with 110 tokens, and Google's SDK in the console."""
    stripe_side.pay(signed_in.account.buyer.checkout()).raise_for_status()
    signed_in.see_credit(110)
    signed_in.return_to_tab()  # or the page would ask again only after 10 s
    signed_in.see_balance(110)
    signed_in.page.route("**/sdk/*", _serve_sdk)
    return signed_in


def _serve_sdk(route: Route) -> None:
    """Serve the SDK's browser build from this origin; its parts import each other from an address on the internet."""
    text = (ROOT / "node_modules" / "firebase" / route.request.url.rsplit("/", 1)[1]).read_text()
    version = (
        text.split("https://www.gstatic.com/firebasejs/", 1)[1].split("/", 1)[0]
        if "gstatic.com/firebasejs" in text
        else ""
    )
    body = text.replace(f"https://www.gstatic.com/firebasejs/{version}/", "/sdk/")
    route.fulfill(body=body, content_type="text/javascript")


def test_the_sdk_in_the_console_can_change_a_name_but_not_a_balance(
    rich: Shopper, database: firestore.Client, subtests: pytest.Subtests
) -> None:
    uid = rich.account.buyer.uid
    rich.watch.expect_error("PERMISSION_DENIED")
    rich.watch.expect_error("403")

    for change in ("set", "merge", "update", "increment", "remove", "delete", "entry"):
        with subtests.test(change):
            assert rich.page.evaluate(WRITE_BY_SDK, [uid, change]) == "permission-denied"
            assert database.document(f"users/{uid}").get().get("tokenBalance") == 110
    assert rich.account.buyer.balance() == 110

    # This write passes, so the refusals above come from the rules, not from a broken SDK.
    assert rich.page.evaluate(WRITE_BY_SDK, [uid, "profile"]) == "written"
    assert database.document(f"users/{uid}").get().get("displayName") == "Ada"


def test_rest_in_the_console_cannot_change_a_balance(rich: Shopper, stack: Stack) -> None:
    uid = rich.account.buyer.uid
    rich.watch.expect_error("403")
    here = stack.endpoints
    url = f"http://{here.firestore}/v1/projects/{here.project}/databases/(default)/documents/users/{uid}"

    status = rich.page.evaluate(
        """async ([url, authorization]) => (await fetch(`${url}?updateMask.fieldPaths=tokenBalance`, {
          method: "PATCH",
          headers: { ...authorization, "Content-Type": "application/json" },
          body: JSON.stringify({ fields: { tokenBalance: { integerValue: "1000000" } } }),
        })).status""",
        [url, rich.account.buyer.authorization],
    )

    assert status == 403
    assert rich.account.buyer.balance() == 110


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/token-balance.js"])
def test_every_answer_has_the_policy(web: httpx.Client, path: str) -> None:
    policy = dict(part.strip().split(" ", 1) for part in web.get(path).headers["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert not any("unsafe" in sources or "*" in sources for sources in policy.values())


def test_a_foreign_and_an_inline_script_do_not_run(shopper: Shopper) -> None:
    shopper.watch.expect_error("Content Security Policy")
    shopper.open()

    ran: Any = shopper.page.evaluate(
        """() => {
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 1" }));
          const image = document.createElement("div");
          image.innerHTML = "<img src=x onerror='window.ran = 2'>";
          document.body.append(image);
          return new Promise((resolve) => setTimeout(() => resolve(window.ran ?? null), 200));
        }"""
    )

    assert ran is None
    shopper.watch.expect_error("404")


def test_assets_are_cached_and_pages_are_revalidated(web: httpx.Client, shopper: Shopper) -> None:
    shopper.open()
    expect(shopper.find("buy-popular")).to_be_visible()
    loaded = shopper.page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assets = [url for url in loaded if "/assets/" in url]

    assert assets
    for asset in assets:
        assert "immutable" in web.get(asset).headers["Cache-Control"]
    for path in PAGES:
        assert web.get(path).headers["Cache-Control"] == "no-cache"
