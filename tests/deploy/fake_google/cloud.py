"""The fake itself: it runs the commands of deploy.sh, and keeps a project's state."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from deploy.commands import Command
from deploy.shell import Completed
from tests.deploy.fake_google import (
    authentication,
    indexes,
    permissions,
    policies,
    resources,
    rest,
    run_services,
    storage,
)
from tests.deploy.fake_google.arguments import Arguments, GcloudError, parse

NUMBER = resources.NUMBER
BILLING_ACCOUNT = "billingAccounts/012345-6789AB-CDEF01"  # pragma: allowlist secret
VERSIONS = {"Google Cloud SDK": "528.0.0", "alpha": "2025.06.20", "beta": "2025.06.20", "core": "2025.06.20"}
_READS = ("list", "list-configs", "describe", "get-iam-policy", "access", "cat", "print-access-token", "version")
_STATES: dict[str, dict[str, Any]] = {
    "enable": {"disabled": False},
    "resume": {"state": "ENABLED"},
    "undelete": {"deleted": False, "lifecycleState": "ACTIVE"},
}
_VERBS = (
    "list",
    "list-configs",
    "describe",
    "create",
    "create-oidc",
    "update",
    "update-oidc",
    "delete",
    "set-cleanup-policies",
    *_STATES,
)
# kind → the API that has to be enabled
_APIS = {
    "iam service-accounts": "iam",
    "iam roles": "iam",
    "iam workload-identity-pools": "iam",
    "iam workload-identity-pools providers": "iam",
    "artifacts repositories": "artifactregistry",
    "firestore databases": "firestore",
    "firestore indexes composite": "firestore",
    "firestore indexes fields": "firestore",
    "firestore backups schedules": "firestore",
    "pubsub topics": "pubsub",
    "pubsub subscriptions": "pubsub",
    "secrets": "secretmanager",
    "run services": "run",
    "scheduler jobs": "cloudscheduler",
    "monitoring policies": "monitoring",
    "monitoring channels": "monitoring",
    "monitoring uptime": "monitoring",
    "org-policies": "orgpolicy",
    "quotas info": "cloudquotas",
}


def new_state(project: str) -> dict[str, Any]:
    """Return a project in which Firebase was added, and nothing else happened."""
    return {
        "project": project,
        "changes": [],
        "commands": [],
        "kinds": {"services": {f"{api}.googleapis.com": {"name": f"projects/{NUMBER}/services/{api}.googleapis.com"}
                               for api in ("cloudresourcemanager", "firebase", "firebasehosting", "firebaserules")}},
        "policies": {},
        "secret_values": {},
        "revisions": {},
        "objects": {},
        "live": {},
        "elsewhere": [],  # services in other regions
        "budgets": [],
        "app_check": {},  # the enforcement of each service that somebody set
        "sign_in": {},  # configuration, and providers by name; empty until Firebase Authentication is turned on
        "rules": "",
        "firebase": ["app", "site", "link"],
        "account": "ada@company.test",
        "billing": True,
        "versions": dict(VERSIONS),
        "org_policies": {},
        "quota": 1_000_000,
        "holds": None,  # permissions, if the account is not an owner
        "lacking": [],  # permissions that the account does not have
        "refused_members": [],  # members that IAM does not accept
        "refuse": {},  # a pattern of commands → the error
        "passing": {},  # a pattern of commands → [the error, how often]
        "broken": [],  # services whose next revisions fail to start
        "smoke_fails": False,
        "lag": {},  # a kind → how many lists do not show a new resource
        "hidden": {},
    }  # fmt: skip


class FakeGoogle:
    """A shell for deploy.sh. `state` may be changed at will; `root` is the checkout whose files commands name."""

    def __init__(self, project: str, root: Path) -> None:
        self.state = new_state(project)
        self.others: dict[str, FakeGoogle] = {}  # other projects, in which commands may read images
        self._root = root

    def __call__(self, command: Command, stdin: str = "") -> Completed:
        self.state["commands"].append(" ".join(command))
        try:
            if self.state["holds"] is not None and command[0] != "git":
                permissions.authorize(self.state["holds"], " ".join(command))
            stdout = self._programs[command[0]](self, command, stdin)
        except GcloudError as error:
            return Completed(command, 1, "", f"ERROR: {error}\n")
        except _Failed as failed:
            return Completed(command, failed.status, failed.stdout, "")
        return Completed(command, 0, stdout, "")

    def changes(self) -> list[str]:
        """Return the changes since the previous call."""
        changes: list[str] = self.state["changes"]
        self.state["changes"] = []
        return changes

    # --- programs

    def _gcloud(self, command: Command, stdin: str) -> str:
        text = " ".join(command)
        for pattern, error in self.state["refuse"].items():
            if re.search(pattern, text):
                raise GcloudError(error)
        for pattern, passing in self.state["passing"].items():
            if passing[1] and re.search(pattern, text):
                passing[1] -= 1
                raise GcloudError(passing[0])
        other = self.others.get(storage.project_of_images(command))
        if other and command[1] == "artifacts":
            return other._gcloud(command, stdin)
        if other and command[1:3] == ("run", "deploy"):
            storage.refuse_reader(other.state, f"service-{NUMBER}@serverless-robot-prod.iam.gserviceaccount.com")
        if command[1] == "storage" and command[2] in ("cp", "rm", "cat", "objects"):
            return storage.act(self.state, command, stdin)
        arguments = parse(command)
        answer = self._act(arguments, stdin)
        if not set(arguments.words) & set(_READS):
            self.state["changes"].append(text.removeprefix("gcloud "))
        if isinstance(answer, str):
            return answer
        return "" if answer is None else json.dumps(answer)

    def _firebase(self, command: Command, _stdin: str) -> str:
        if "--version" in command:
            return "15.34.2"
        self.state["changes"].append(" ".join(command))
        if "apps:create" in command:
            self.state["firebase"].append("app")
        elif "--only=auth" in command:
            (config,) = [word.partition("=")[2] for word in command if word.startswith("--config=")]
            authentication.turn_on(self.state, json.loads(Path(config).read_text())["auth"]["providers"])
        elif "--only=hosting" in command:
            version = self._root / "web" / "dist" / "version.json"
            self.state["live"]["/version.json"] = version.read_text() if version.exists() else "{}"
        else:
            self.state["rules"] = (self._root / "firestore.rules").read_text()
        return ""

    def _curl(self, command: Command, stdin: str) -> str:
        if "--version" in command:
            return "curl 8.5.0 (x86_64)"
        status, body = rest.answer(self.state, command, stdin)
        if status >= 400:
            raise _Failed(22, body)
        return body

    def _git(self, command: Command, _stdin: str) -> str:
        done = subprocess.run(command, check=False, text=True, capture_output=True)
        if done.returncode:
            raise _Failed(done.returncode, done.stdout)
        return done.stdout

    def _smoke_test(self, _command: Command, _stdin: str) -> str:
        if self.state["smoke_fails"]:
            raise _Failed(1, "FAILED")
        return "All checks passed."

    def _make(self, _command: Command, _stdin: str) -> str:
        return ""

    _programs: ClassVar[dict[str, Callable[["FakeGoogle", Command, str], str]]] = {
        "gcloud": _gcloud,
        "firebase": _firebase,
        "curl": _curl,
        "git": _git,
        "./smoke_test.sh": _smoke_test,
        "make": _make,
    }

    # --- gcloud

    def _act(self, arguments: Arguments, stdin: str) -> object:
        words = arguments.words
        if any(word.endswith(("-iam-policy", "-iam-policy-binding")) for word in words):
            return policies.act(self.state, arguments)
        fixed: dict[str, Callable[[], object]] = {
            "version": lambda: self.state["versions"],
            "auth list": lambda: [{"account": self.state["account"]}] if self.state["account"] else [],
            "auth print-access-token": lambda: rest.TOKEN,
            "billing projects describe": lambda: {
                "billingEnabled": self.state["billing"],
                "billingAccountName": BILLING_ACCOUNT if self.state["billing"] else "",
            },
            "projects describe": lambda: self._describe_project(words[-1]),
            "services enable": lambda: self._enable(words[-1]),
            "services identity create": lambda: None,  # an agent created on request gets no role by itself
            "org-policies describe": lambda: self._org_policy(words[-1]),
            "quotas info describe": self._quota,
            "builds submit": lambda: storage.build(self.state, arguments),
            "run deploy": lambda: run_services.deploy(self.state, arguments),
            "run services update-traffic": lambda: run_services.update_traffic(self.state, arguments),
            "run revisions list": lambda: self._revisions(arguments),
            "firestore indexes composite create": lambda: indexes.create(self.state, arguments),
            "firestore indexes fields update": lambda: indexes.override(self.state, arguments),
            "secrets versions list": lambda: self._versions(words[3]),
            "secrets versions access": lambda: self._access(arguments.get("--secret")),
            "secrets versions add": lambda: self.state["secret_values"].setdefault(words[3], []).append(stdin),
        }
        for name, act in fixed.items():
            if " ".join(words).startswith(name):
                return act()
        return self._resource(arguments)

    def _resource(self, arguments: Arguments) -> object:
        words = arguments.words
        at = next(number for number, word in enumerate(words) if word in _VERBS)
        kind, verb, rest_ = " ".join(words[:at]), words[at], [word for word in words[at + 1 :] if word != "http"]
        self._require(kind)
        if verb in ("list", "list-configs"):
            # Without a region, Cloud Run lists all of them.
            elsewhere = self.state["elsewhere"] if kind == "run services" and not arguments.has("--region") else []
            return [*resources.listed(self.state, kind), *elsewhere]
        if verb == "delete" and arguments.get("--region", "us-central1") != "us-central1":
            self.state["elsewhere"] = []
            return None
        name = self._name(kind, rest_, arguments)
        if kind == "logging sinks" and len(rest_) == 2:
            arguments.flags["--destination"] = [rest_[1]]
        if verb.startswith("create"):
            resources.create(self.state, kind, name, arguments)
            return None
        return self._existing(kind, verb, name, arguments)

    def _existing(self, kind: str, verb: str, name: str, arguments: Arguments) -> object:
        found = self.state["kinds"].get(kind, {}).get(name)
        if found is None:
            raise GcloudError(f"NOT_FOUND: {kind} {name}")
        if verb == "describe":
            return found
        if verb == "delete" and kind == "iam roles":
            if found["deleted"]:
                raise GcloudError(f"FAILED_PRECONDITION: {name} is already deleted")
            found["deleted"] = True
        elif verb == "delete":
            del self.state["kinds"][kind][name]
        elif verb in _STATES:
            found |= _STATES[verb]
        else:
            resources.update(self.state, kind, name, arguments)
        return None

    def _name(self, kind: str, words: list[str], arguments: Arguments) -> str:
        if kind == "firestore backups schedules":
            return arguments.get("--backup-schedule") or f"{arguments.get('--recurrence')}-1"
        if kind == "firestore databases":
            return arguments.get("--database")
        if kind == "iam service-accounts":
            return words[0].partition("@")[0]
        if not words:  # Google names it
            taken = self.state["kinds"].get(kind, {})
            return f"{kind.rsplit(maxsplit=1)[-1]}-{len(taken) + 1}"
        return words[0].removeprefix("gs://").rpartition("/")[2]

    def _require(self, kind: str) -> None:
        api = f"{_APIS.get(kind, 'cloudresourcemanager')}.googleapis.com"
        if api not in self.state["kinds"]["services"]:
            raise GcloudError(
                f"PERMISSION_DENIED: {api} has not been used in project {NUMBER} before or it is disabled."
            )

    def _describe_project(self, name: str) -> dict[str, str]:
        if name != self.state["project"]:
            raise GcloudError(f"(gcloud.projects.describe) PERMISSION_DENIED: no project {name}")
        return {"projectId": name, "projectNumber": NUMBER, "lifecycleState": "ACTIVE"}

    def _enable(self, api: str) -> None:
        self.state["kinds"]["services"][api] = {"name": f"projects/{NUMBER}/services/{api}"}

    def _org_policy(self, constraint: str) -> dict[str, Any]:
        self._require("org-policies")
        return {"name": constraint, "spec": {"rules": self.state["org_policies"].get(constraint, [{"allowAll": True}])}}

    def _quota(self) -> dict[str, Any]:
        self._require("quotas info")
        value = {"details": {"value": str(self.state["quota"])}, "applicableLocations": ["us-central1"]}
        return {"dimensionsInfos": [value]}

    def _revisions(self, arguments: Arguments) -> list[dict[str, Any]]:
        return [
            {
                "metadata": {"name": one["name"], "labels": {"commit": one.get("commit", "")}},
                "status": {"conditions": [{"type": "Ready", "status": str(one["ready"])}]},
            }
            for one in self.state["revisions"].get(arguments.get("--service"), [])
        ]

    def _versions(self, secret: str) -> list[dict[str, str]]:
        self._require("secrets")
        return [{"name": f"versions/{number}"} for number, _ in enumerate(self.state["secret_values"].get(secret, ()))]

    def _access(self, secret: str) -> str:
        values = self.state["secret_values"].get(secret)
        if not values:
            raise GcloudError(f"NOT_FOUND: Secret [{secret}] has no versions")
        return str(values[-1])


class _Failed(Exception):
    def __init__(self, status: int, stdout: str) -> None:
        self.status = status
        self.stdout = stdout
