"""`./smoke_test.sh URL`: check that a running system answers as it should; the status is above 0 if a check fails."""

import argparse
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deploy.commands import gcloud
from deploy.environment import DeployError, Environment, load_environment
from deploy.shell import run_here
from shared.domain.catalog import Terms
from shared.domain.money import in_main_unit
from shared.runtime.catalog_file import load_catalog
from topology.functions import load_functions

PAGES = ("/", "/buy-tokens", "/token-purchase-success", "/token-purchase-cancel")
FORGED = {"Authorization": "Bearer forged"}
_TIMEOUT_S = 20
_PURCHASE_S = 600  # a person pays
_PACKAGE = "starter"


@dataclass(frozen=True)
class Expectation:
    """What one request to one function must be answered.

    A request without a body is a GET.
    """

    function: str
    path: str
    what: str
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


_TOKENS, _WEBHOOK = "/api/tokens", "/api/stripe/webhook"
_BUY = f"{_TOKENS}/create-checkout-session"
API = (
    Expectation("list_packages", f"{_TOKENS}/packages", "anyone can list the packages", 200),
    Expectation("get_balance", f"{_TOKENS}/balance", "a balance needs a sign-in", 401),
    Expectation("get_balance", f"{_TOKENS}/balance", "a forged sign-in is rejected", 401, headers=FORGED),
    Expectation("list_transactions", f"{_TOKENS}/transactions", "a history needs a sign-in", 401),
    Expectation("get_receipt", f"{_TOKENS}/receipt", "a receipt needs a sign-in", 401),
    Expectation("claim_welcome", f"{_TOKENS}/welcome", "a welcome needs a sign-in", 401, {}),
    Expectation("create_checkout", _BUY, "buying needs a sign-in", 401, {"package": _PACKAGE}),
    Expectation("create_checkout", _BUY, "buying is a POST", 405),
    Expectation("stripe_webhook", _WEBHOOK, "a webhook without a signature is rejected", 400, {}),
    Expectation("stripe_webhook", _WEBHOOK, "a webhook is a POST", 405),
)


@dataclass(frozen=True)
class Answer:
    """What a request was answered; status 0 if there was no answer."""

    status: int
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The answer's body; an empty object if it is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}


def request(url: str, body: object = None, *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request: a GET, or JSON with a POST."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    method = method or ("GET" if data is None else "POST")
    call = urllib.request.Request(url, data, {**sent, **(headers or {})}, method=method)  # noqa: S310 - URLs are given
    try:
        with urllib.request.urlopen(call, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
    except (OSError, ValueError) as error:
        return Answer(0, str(error))


class SmokeTest:
    """Runs checks and prints a row for each; `failures` counts those that failed."""

    def __init__(self, base: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.failures = 0
        self._base = base.rstrip("/")
        self._sleep = sleep

    def row(self, what: str, result: object, *, is_ok: bool) -> bool:
        """Print the result of a check."""
        print(f"{'ok' if is_ok else 'FAILED':<7} {what:<58} {result}", flush=True)
        self.failures += not is_ok
        return is_ok

    def expect(self, what: str, answer: Answer, *statuses: int) -> bool:
        """Check an answer's status."""
        if answer.status in statuses:
            return self.row(what, answer.status, is_ok=True)
        wanted = " or ".join(map(str, statuses))
        return self.row(what, f"{answer.status} instead of {wanted}: {answer.text[:200]}", is_ok=False)

    def system(self, environment: Environment | None, catalog: str, token: str) -> None:
        """Check everything that can be checked without a purchase; private functions where they are known."""
        for path in PAGES:
            self.expect(f"{path} loads", request(self._base + path), 200)
        for one in API:
            self._function(one, self._base)
        self._packages(f"{self._base}{_TOKENS}/packages", catalog)
        self._documents(self._sign_in(), token)
        if environment:
            self._private(environment)

    def candidates(self, template: str, services: Sequence[str]) -> None:
        """Check services at addresses of their own, before they are served."""
        for one in API:
            service = one.function.replace("_", "-")
            if service in services:
                self._function(one, template.replace("{}", service))

    def _function(self, one: Expectation, base: str) -> None:
        self.expect(one.what, request(base + one.path, one.body, headers=one.headers), one.status)

    def _packages(self, url: str, catalog: str) -> None:
        """Check that exactly the catalog's packages are on sale, at its prices."""
        packages: list[dict[str, Any]] = request(url).json.get("packages", [])
        offered = {str(one.get("id")): (one.get("tokens"), one.get("price"), _prices(one)) for one in packages}
        expected = {one.id: _expected(one.current) for one in load_catalog(catalog).packages}
        wrong = sorted(id_ for id_ in offered.keys() | expected.keys() if offered.get(id_) != expected.get(id_))
        what = f"packages and prices are those of catalog {catalog}"
        self.row(what, ", ".join(wrong) or len(offered), is_ok=not wrong)
        missing = [str(one.get("id")) for one in packages if not one.get("available")]
        hint = f"no price: {', '.join(missing)} (python -m deploy.stripe_setup)"
        self.row("every package is on sale", hint if missing else len(packages), is_ok=bool(packages) and not missing)

    def _sign_in(self) -> Mapping[str, Any]:
        """Check that the pages can sign people in, and return their Firebase configuration."""
        configuration: dict[str, Any] = request(f"{self._base}/__/firebase/init.json").json
        lacking = [name for name in ("apiKey", "projectId", "authDomain") if not configuration.get(name)]
        hint = f"{', '.join(lacking)} missing: ./deploy.sh ENVIRONMENT --only firebase"
        self.row("the pages know their Firebase project", hint if lacking else "ok", is_ok=not lacking)
        return configuration

    def _documents(self, configuration: Mapping[str, Any], token: str) -> None:
        """Check that Firestore's rules keep balances from strangers, and from their own users' hands."""
        firestore = (configuration.get("emulators") or {}).get("firestore")
        host = f"http://{firestore}" if firestore else "https://firestore.googleapis.com"
        users = f"{host}/v1/projects/{configuration.get('projectId')}/databases/(default)/documents/users"
        self.expect("a stranger cannot read an account", request(f"{users}/smoke-test"), 401, 403)
        if not token:
            return
        user, authorization = _subject(token), {"Authorization": f"Bearer {token}"}
        balance = request(f"{self._base}{_TOKENS}/balance", headers=authorization).json.get("balance", 0)
        # The value that it has: if the rules let it pass, nothing has changed.
        fields = {"fields": {"tokenBalance": {"integerValue": str(balance)}}}
        url = f"{users}/{user}?updateMask.fieldPaths=tokenBalance"
        answer = request(url, fields, method="PATCH", headers=authorization)
        self.expect("a user cannot write a balance", answer, 403)

    def _private(self, environment: Environment) -> None:
        """Check that functions without a public path answer nobody."""
        for row in load_functions():
            if not row.path:
                # Cloud Run answers 404 where its ingress setting lets nobody in.
                self.expect(f"{row.name} is private", request(environment.url(row.service), {}), 403, 404)

    def purchase(self, token: str, simulator: str) -> None:
        """Buy the starter package, and check that its tokens and its entry arrive."""
        authorization = {"Authorization": f"Bearer {token}"}
        tokens = next(one.current.tokens for one in load_catalog().packages if one.id == _PACKAGE)
        balance = f"{self._base}{_TOKENS}/balance"
        before = request(balance, headers=authorization).json.get("balance", 0)
        answer = request(self._base + _BUY, {"package": _PACKAGE}, headers=authorization)
        if not self.expect("a checkout session is created", answer, 200):
            return
        session = answer.json["session_id"]
        if simulator:
            paid = request(f"{simulator.rstrip('/')}/_sim/sessions/{session}/pay", {"card": "4242424242424242"})
            self.expect("the simulator accepts the payment", paid, 200)
        else:
            print(f"        Pay here: {answer.json['url']}", flush=True)
        deadline = time.monotonic() + _PURCHASE_S
        after = before
        while after < before + tokens and time.monotonic() < deadline:
            self._sleep(1)
            after = request(balance, headers=authorization).json.get("balance", before)
        self.row("the tokens are credited", f"{before} -> {after}", is_ok=after == before + tokens)
        history = request(f"{self._base}{_TOKENS}/transactions?limit=20", headers=authorization).json
        entries = [
            entry
            for entry in history.get("transactions", [])
            if entry.get("details", {}).get("stripeSessionId") == session
        ]
        recorded = [(entry.get("type"), entry.get("amount")) for entry in entries]
        self.row("the transaction is recorded, once", recorded, is_ok=recorded == [("purchase", tokens)])


def _expected(terms: Terms) -> tuple[object, ...]:
    return terms.tokens, in_main_unit(terms.price_cents, terms.currency), terms.prices


def _prices(offer: Mapping[str, Any]) -> dict[object, object]:
    """Return a package's amounts by currency; those in several currencies are in a list of their own."""
    return {price.get("currency"): price.get("amount") for price in offer.get("prices", [offer])}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the checks that the arguments ask for."""
    arguments_parser = parser()
    options = arguments_parser.parse_args(arguments)
    token = os.environ.get("ID_TOKEN", "")
    if options.purchase and not token:
        arguments_parser.error(
            "--purchase needs a user: put a Firebase ID token into ID_TOKEN (docs/deployment.md, 'Verify')"
        )
    if not options.candidates and (len(options.targets) != 1 or "://" not in options.targets[0]):
        arguments_parser.error("give the pages' address")
    test = SmokeTest("" if options.candidates else options.targets[0])
    try:
        if options.candidates:
            test.candidates(options.candidates, options.targets)
        else:
            environment = _identified(options.environment) if options.environment else None
            test.system(environment, environment.catalog if environment else options.catalog, token)
    except DeployError as error:
        sys.exit(f"smoke_test.sh: {error}")
    if options.purchase:
        test.purchase(token, options.simulator)
    if test.failures:
        sys.exit(f"{test.failures} checks failed: see docs/runbook.md, 'Troubleshooting'")
    print("All checks passed.")


def parser() -> argparse.ArgumentParser:
    """Return the parser of smoke_test.sh's arguments."""
    parser = argparse.ArgumentParser(
        prog="./smoke_test.sh",
        description="Check that a running system answers as it should. Without --purchase it changes nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("targets", nargs="+", metavar="URL", help="the pages' address, such as https://PROJECT.web.app")
    parser.add_argument("--environment", metavar="NAME", help="check its private functions and its catalog, too")
    parser.add_argument("--catalog", default="default", help="the catalog on sale, without --environment")
    parser.add_argument("--purchase", action="store_true", help="buy the starter package as the user of ID_TOKEN")
    parser.add_argument("--simulator", metavar="URL", default="", help="pay at a local stack's Stripe simulator")
    parser.add_argument(
        "--candidates", metavar="TEMPLATE", help="check services, given instead of URL, at TEMPLATE: {} is one"
    )
    return parser


def _identified(name: str) -> Environment:
    """Return an environment with its project's number, which its functions' addresses have in them."""
    environment = load_environment(name)
    look = gcloud("projects", "describe", environment.project, "--format=value(projectNumber)")
    done = run_here(look)
    if done.returncode:
        raise DeployError(f"{done.stderr.strip()}\nThe project's number is needed: gcloud auth login")
    return replace(environment, number=done.stdout.strip())


def _subject(token: str) -> str:
    """Return the user whom a Firebase ID token names; whether it is genuine, Firestore decides."""
    payload = token.split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["sub"]


if __name__ == "__main__":
    main()
