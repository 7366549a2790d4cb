"""What shall exist on Google Cloud, in the order in which it is made: one generator a part, read from the tables."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.cloud import Cloud, Command, Found, Resource, gcloud, listing, named
from deploy.environment import SECRETS, Deployed, Environment
from deploy.stage import digest, stage
from topology.functions import ROOT
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

_APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "firebase",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "identitytoolkit",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
)
_TOPIC_RETENTION = f"{int(RETENTION.total_seconds())}s"
_KEEP_MESSAGES = f"--message-retention-duration={RETENTION.days}d"
_PUSH = "pubsub-push"
_SCHEDULER = "scheduler"
_BUILDER = "function-builder"
_DATABASE = "--database=(default)"
STAGE = ROOT / ".local" / "deploy"

# A secret that no function reads: the pages may want it, the team has to find it.
ALL_SECRETS = (*SECRETS.values(), "stripe-publishable-key")


@dataclass(frozen=True)
class Plan:
    """One environment's deployment."""

    cloud: Cloud
    at: Environment
    functions: list[Deployed]

    def parts(self) -> Mapping[str, Callable[[], None]]:
        """Return every part by the name that --only and --skip take, in order."""
        return {
            "apis": self.apis,
            "accounts": self.accounts,
            "firestore": self.firestore,
            "rules": self.rules,
            "topics": self.topics,
            "subscriptions": self.subscriptions,
            "secrets": self.secrets,
            "functions": self.deploy_functions,
            "invokers": self.invokers,
            "jobs": self.jobs,
            "metrics": self.metrics,
            "alerts": self.alerts,
            "dashboard": self.dashboard,
            "hosting": self.hosting,
        }

    # --- the ground

    def apis(self) -> None:
        """Switch on what is used of Google Cloud."""
        look = self._list("services", "list", "--enabled")
        for api in (f"{name}.googleapis.com" for name in _APIS):
            self.cloud.ensure(
                Resource(f"API {api}", look, named(api), gcloud("services", "enable", api, self._project))
            )

    def accounts(self) -> None:
        """Make an identity a function, and three for those who build, push and call on schedule; with their roles."""
        look = self._list("iam", "service-accounts", "list")
        texts = {row.service: f"Runs {row.name}" for row in self.functions} | {
            _PUSH: "Pub/Sub calls subscribers as this",
            _SCHEDULER: "Cloud Scheduler calls jobs as this",
            _BUILDER: "Cloud Build builds the functions as this",
        }
        for name, text in texts.items():
            create = gcloud("iam", "service-accounts", "create", name, f"--display-name={text}", self._project)
            self.cloud.ensure(Resource(f"service account {name}", look, _by("email", self.at.account(name)), create))
        roles = [(row.service, role) for row in self.functions for role in row.roles]
        for name, role in [*roles, (_BUILDER, "roles/run.builder")]:
            self._grant(("projects", self.at.project), f"serviceAccount:{self.at.account(name)}", role)
        # Pub/Sub's own identity comes with its first use, or here: then without the role by which it signs pushes.
        # Source: https://cloud.google.com/iam/docs/create-service-agents
        agent_role = "roles/pubsub.serviceAgent"
        self.cloud.ensure(
            Resource(
                "Pub/Sub's service agent",
                self._list("projects", "get-iam-policy", self.at.project, project=False),
                _binding(self._pubsub_agent, agent_role),
                gcloud("beta", "services", "identity", "create", "--service=pubsub.googleapis.com", self._project),
            )
        )
        self._grant(("projects", self.at.project), self._pubsub_agent, agent_role)

    # --- data

    def firestore(self) -> None:
        """Make the database; in prod with point-in-time recovery, delete protection and backups."""
        guards = ("--enable-pitr", "--delete-protection") if self.at.protected else ()
        guarded = {
            "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
            "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
        }
        where = f"--location={self.at.database_location}"
        database = ("firestore", "databases")
        self.cloud.ensure(
            Resource(
                "Firestore database (default)",
                self._list(*database, "list"),
                named("(default)"),
                gcloud(*database, "create", _DATABASE, where, "--type=firestore-native", *guards, self._project),
                _always(gcloud(*database, "update", _DATABASE, *guards, self._project)) if guards else None,
                wanted=guarded if self.at.protected else {},
                fixed={"locationId": self.at.database_location, "type": "FIRESTORE_NATIVE"},
            )
        )
        if self.at.protected:
            self._backups("daily", "dailyRecurrence", days=7)
            self._backups("weekly", "weeklyRecurrence", days=98)

    def _backups(self, recurrence: str, key: str, *, days: int) -> None:
        schedules = ("firestore", "backups", "schedules")
        when = (f"--recurrence={recurrence}", *(("--day-of-week=SUN",) if recurrence == "weekly" else ()))
        keep = f"--retention={days}d"
        self.cloud.ensure(
            Resource(
                f"backups {recurrence}",
                self._list(*schedules, "list", _DATABASE),
                lambda found: next((one for one in found if key in one), None),
                gcloud(*schedules, "create", _DATABASE, *when, keep, self._project),
                lambda there: gcloud(
                    *schedules, "update", f"--backup-schedule={_last(there)}", _DATABASE, keep, self._project
                ),
                wanted={"retention": f"{days * 86_400}s"},
            )
        )

    def rules(self) -> None:
        """Deploy rules, indexes and field exemptions; firebase-tools leaves alone what is as the files say."""
        self._firebase("Firestore rules, indexes and field exemptions", "firestore:rules,firestore:indexes")

    # --- messages

    def topics(self) -> None:
        """Make the topic of Stripe's events, and the one for messages that nobody could handle."""
        look = self._list("pubsub", "topics", "list")
        for topic in (STRIPE_EVENTS, DEAD_LETTERS):
            self.cloud.ensure(
                Resource(
                    f"topic {topic}",
                    look,
                    named(topic),
                    gcloud("pubsub", "topics", "create", topic, _KEEP_MESSAGES, self._project),
                    _always(gcloud("pubsub", "topics", "update", topic, _KEEP_MESSAGES, self._project)),
                    wanted={"messageRetentionDuration": _TOPIC_RETENTION},
                )
            )
        for row in self.functions:
            for topic in row.publishes:
                self._grant(("pubsub", "topics", topic), self._identity(row), "roles/pubsub.publisher")
        self._grant(("pubsub", "topics", DEAD_LETTERS), self._pubsub_agent, "roles/pubsub.publisher")

    def subscriptions(self) -> None:
        """Make the dead letters' own subscription, and one that pushes to each subscriber."""
        self._subscription(DEAD_LETTERS, DEAD_LETTERS, (_KEEP_MESSAGES, "--ack-deadline=60"), {})
        for row in self.functions:
            if row.subscription:
                self._push_subscription(row)
                name = row.subscription.name
                self._grant(("pubsub", "subscriptions", name), self._pubsub_agent, "roles/pubsub.subscriber")

    def _push_subscription(self, row: Deployed) -> None:
        assert row.subscription  # noqa: S101 - the caller's condition, for the type checker
        url, pusher = self.at.url(row.service), self.at.account(_PUSH)
        dead = f"projects/{self.at.project}/topics/{DEAD_LETTERS}"
        flags = (
            f"--push-endpoint={url}",
            f"--push-auth-service-account={pusher}",
            f"--push-auth-token-audience={url}",
            f"--ack-deadline={row.timeout_s}",
            "--min-retry-delay=10s",
            "--max-retry-delay=600s",
            f"--dead-letter-topic={dead}",
            "--max-delivery-attempts=10",
        )
        wanted = {
            "pushConfig": {"pushEndpoint": url, "oidcToken": {"serviceAccountEmail": pusher, "audience": url}},
            "ackDeadlineSeconds": row.timeout_s,
            "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
            "deadLetterPolicy": {"deadLetterTopic": dead, "maxDeliveryAttempts": 10},
        }
        self._subscription(row.subscription.name, STRIPE_EVENTS, flags, wanted, row.subscription.filter)

    def _subscription(
        self, name: str, topic: str, flags: tuple[str, ...], wanted: Mapping[str, Any], filter_: str = ""
    ) -> None:
        path = f"projects/{self.at.project}/topics/{topic}"
        flags = (*flags, "--expiration-period=never")
        only = (f"--message-filter={filter_}",) if filter_ else ()
        self.cloud.ensure(
            Resource(
                f"subscription {name}",
                self._list("pubsub", "subscriptions", "list"),
                named(name),
                gcloud("pubsub", "subscriptions", "create", name, f"--topic={path}", *only, *flags, self._project),
                _always(gcloud("pubsub", "subscriptions", "update", name, *flags, self._project)),
                wanted={**wanted, "expirationPolicy": {}},
                fixed={"topic": path, "filter": filter_},
            )
        )

    # --- functions

    def secrets(self) -> None:
        """Make the secrets, empty, and let each function read those that it names and no other."""
        look = self._list("secrets", "list")
        for secret in ALL_SECRETS:
            create = gcloud("secrets", "create", secret, "--replication-policy=automatic", self._project)
            self.cloud.ensure(Resource(f"secret {secret}", look, named(secret), create))
        for row in self.functions:
            for secret in row.secrets:
                self._grant(("secrets", secret), self._identity(row), "roles/secretmanager.secretAccessor")

    def deploy_functions(self) -> None:
        """Build and deploy every function whose files or settings are not those that run."""
        look = self._list("run", "services", "list", self._region)
        for row in self.functions:
            folder = stage(row.name, STAGE / row.name)
            command = self._deployment(row, folder)
            mark = digest(folder, *command)
            deploy = (*command[:-1], f"--labels=digest={mark}", command[-1])
            found = _service(row.service)
            # A revision that does not start leaves the label all the same: then it is deployed again.
            wanted = {"metadata": {"labels": {"digest": mark}}, "newest_is_ready": True}
            self.cloud.ensure(
                Resource(
                    f"function {row.name}", look, found, deploy, _always(deploy), wanted=wanted, looked_at_again=True
                )
            )
            # After a rollback the traffic is pinned to a revision: a deployment is to be served.
            latest = gcloud(
                "run", "services", "update-traffic", row.service, "--to-latest", self._region, self._project
            )
            served = {"spec": {"traffic": [{"latestRevision": True, "percent": 100}]}}
            self.cloud.ensure(Resource(f"traffic of {row.name}", look, found, latest, _always(latest), wanted=served))

    def _deployment(self, row: Deployed, folder: Path) -> Command:
        settings = "|".join(f"{name}={value}" for name, value in row.environment(self.at).items())
        return gcloud(
            *("run", "deploy", row.service, f"--function={row.name}", f"--source={folder.relative_to(ROOT)}"),
            *("--base-image=python313", f"--service-account={self.at.account(row.service)}"),
            f"--build-service-account=projects/{self.at.project}/serviceAccounts/{self.at.account(_BUILDER)}",
            *(f"--memory={row.memory}", f"--cpu={row.cpu}", f"--concurrency={row.concurrency}"),
            *(f"--timeout={row.timeout_s}s", f"--max-instances={row.max_instances}"),
            f"--min={self.at.warm_instances if row.warm else 0}",
            *(f"--set-env-vars=^|^{settings}", self._region, self._project),
        )

    def invokers(self) -> None:
        """Let call each function who is meant to, by Cloud Run's own check."""
        for row in self.functions:
            for member in self._callers(row):
                self._grant(("run", "services", row.service), member, "roles/run.invoker", self._region)

    def _callers(self, row: Deployed) -> tuple[str, ...]:
        if row.path:
            return ("allUsers",)  # it checks the user's token, or Stripe's signature, itself
        if row.subscription:
            return (f"serviceAccount:{self.at.account(_PUSH)}",)
        if row.schedule:
            return (f"serviceAccount:{self.at.account(_SCHEDULER)}",)
        return self.at.trusted_callers

    def jobs(self) -> None:
        """Call the functions whose row names a schedule (UTC)."""
        look = self._list("scheduler", "jobs", "list", f"--location={self.at.region}")
        for row in self.functions:
            if row.schedule:
                url, caller = self.at.url(row.service), self.at.account(_SCHEDULER)
                flags = (
                    *(f"--schedule={row.schedule}", "--time-zone=Etc/UTC", f"--uri={url}/", "--http-method=POST"),
                    *(f"--oidc-service-account-email={caller}", f"--oidc-token-audience={url}"),
                    *(f"--attempt-deadline={row.timeout_s}s", f"--location={self.at.region}", self._project),
                )
                self.cloud.ensure(
                    Resource(
                        f"job {row.service}",
                        look,
                        named(row.service),
                        gcloud("scheduler", "jobs", "create", "http", row.service, *flags),
                        _always(gcloud("scheduler", "jobs", "update", "http", row.service, *flags)),
                        wanted={
                            "schedule": row.schedule,
                            "attemptDeadline": f"{row.timeout_s}s",
                            "httpTarget": {
                                "uri": f"{url}/",  # as Cloud Scheduler keeps it
                                "httpMethod": "POST",
                                "oidcToken": {"serviceAccountEmail": caller, "audience": url},
                            },
                        },
                    )
                )

    # --- watching

    def metrics(self) -> None:
        """Make the log-based metrics of monitoring/metrics/."""
        look = self._list("logging", "metrics", "list")
        for file in sorted((ROOT / "monitoring" / "metrics").glob("*.json")):
            words = (file.stem, f"--config-from-file={file.relative_to(ROOT)}", self._project)
            self.cloud.ensure(
                Resource(
                    f"metric {file.stem}",
                    look,
                    named(file.stem),
                    gcloud("logging", "metrics", "create", *words),
                    _always(gcloud("logging", "metrics", "update", *words)),
                    wanted=json.loads(file.read_text()),
                )
            )

    def alerts(self) -> None:
        """Make the alert policies of monitoring/alerts/, and the addresses that they tell."""
        channels = [self._channel(address) for address in self.at.alert_emails]
        for file in sorted((ROOT / "monitoring" / "alerts").glob("*.yaml")):
            self._alert(file, ",".join(channels))

    def _alert(self, file: Path, channels: str) -> None:
        policies = ("alpha", "monitoring", "policies")
        labels = {"policy": file.stem, "digest": digest(file, *self.at.alert_emails)}
        marks = ",".join(f"{key}={value}" for key, value in labels.items())
        policy = (f"--policy-from-file={file.relative_to(ROOT)}", self._project)
        told = (f"--notification-channels={channels}",) if channels else ()
        retold = f"--set-notification-channels={channels}" if channels else "--clear-notification-channels"
        self.cloud.ensure(
            Resource(
                f"alert {file.stem}",
                self._list(*policies, "list"),
                _by("userLabels.policy", file.stem),
                gcloud(*policies, "create", *policy, f"--user-labels={marks}", *told),
                lambda there: gcloud(
                    *policies, "update", there["name"], *policy, f"--update-user-labels={marks}", retold
                ),
                wanted={"userLabels": labels},
            )
        )

    def _channel(self, address: str) -> str:
        channels = ("beta", "monitoring", "channels")
        channel = self.cloud.ensure(
            Resource(
                f"channel {address}",
                self._list(*channels, "list"),
                _by("labels.email_address", address),
                gcloud(
                    *(*channels, "create", "--type=email", f"--display-name={address}"),
                    *(f"--channel-labels=email_address={address}", self._project),
                ),
                looked_at_again=True,
            )
        )
        return str(channel["name"])

    def dashboard(self) -> None:
        """Make the dashboard of monitoring/dashboard.json."""
        file = ROOT / "monitoring" / "dashboard.json"
        dashboards = ("monitoring", "dashboards")
        staged = STAGE / "dashboard.json"
        staged.parent.mkdir(parents=True, exist_ok=True)
        definition = json.loads(file.read_text())
        definition["labels"] = {"digest": digest(file)}
        config = f"--config-from-file={staged.relative_to(ROOT)}"

        def update(there: Found) -> Command:
            # The API changes only what says which version of it was read.
            staged.write_text(json.dumps({**definition, "etag": there.get("etag", "")}, indent=2))
            return gcloud(*dashboards, "update", _last(there), config, self._project)

        staged.write_text(json.dumps(definition, indent=2))
        self.cloud.ensure(
            Resource(
                "dashboard",
                self._list(*dashboards, "list"),
                _by("displayName", definition["displayName"]),
                gcloud(*dashboards, "create", config, self._project),
                update,
                wanted={"labels": definition["labels"]},
            )
        )

    # --- pages

    def hosting(self) -> None:
        """Publish the pages, unless they are what is live."""
        self._firebase("Hosting", "hosting", unless=lambda: _is_live(ROOT / "web" / "dist", self.at))

    # --- shared by the parts

    @property
    def _project(self) -> str:
        return f"--project={self.at.project}"

    @property
    def _region(self) -> str:
        return f"--region={self.at.region}"

    @property
    def _pubsub_agent(self) -> str:
        return f"serviceAccount:service-{self.at.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    def _identity(self, row: Deployed) -> str:
        return f"serviceAccount:{self.at.account(row.service)}"

    def _list(self, *words: str, project: bool = True) -> Command:
        return listing(*words, *((self._project,) if project else ()))

    def _grant(self, on: tuple[str, ...], member: str, role: str, *flags: str) -> None:
        *kind, name = on
        flags = flags if kind == ["projects"] else (*flags, self._project)
        condition = ("--condition=None",) if kind == ["projects"] else ()
        add = gcloud(*kind, "add-iam-policy-binding", name, f"--member={member}", f"--role={role}", *condition, *flags)
        look = listing(*kind, "get-iam-policy", name, *flags)
        self.cloud.ensure(Resource(f"{role} on {name} for {member}", look, _binding(member, role), add))

    def _firebase(self, what: str, only: str, *, unless: Callable[[], bool] | None = None) -> None:
        command = ("firebase", "deploy", f"--only={only}", f"--project={self.at.project}", "--non-interactive")
        self.cloud.run(what, command, unless=unless)


def _is_live(pages: Path, at: Environment) -> bool:
    """Write the pages' fingerprint beside them, and tell whether the live site shows the same one."""
    mark = pages / "version.json"
    mark.unlink(missing_ok=True)
    version = json.dumps({"digest": digest(pages, (ROOT / "firebase.json").read_text())})
    mark.write_text(version)
    live = ("curl", "--silent", "--fail", "--max-time", "10", f"https://{at.project}.web.app/{mark.name}")
    return subprocess.run(live, check=False, text=True, capture_output=True).stdout == version


def _always(command: Command) -> Callable[[Found], Command]:
    return lambda _: command


def _last(there: Found) -> str:
    return str(there["name"]).rpartition("/")[2]


def _by(path: str, value: str) -> Callable[[list[Found]], Found | None]:
    """Find by the value at a path of keys."""

    def at(one: Any) -> Any:  # noqa: ANN401 - JSON
        for key in path.split("."):
            one = one.get(key) if isinstance(one, dict) else None
        return one

    return lambda found: next((one for one in found if at(one) == value), None)


def _service(name: str) -> Callable[[list[Found]], Found | None]:
    """Find a Cloud Run service, with the word whether its newest revision has started."""

    def find(services: list[Found]) -> Found | None:
        service = _by("metadata.name", name)(services)
        if service is None:
            return None
        status = service.get("status", {})
        ready, newest = status.get("latestReadyRevisionName"), status.get("latestCreatedRevisionName")
        return {**service, "newest_is_ready": ready == newest}

    return find


def _binding(member: str, role: str) -> Callable[[Any], Found | None]:
    """Find a binding without condition in an IAM policy; a policy that has none is printed as an empty list."""

    def find(policy: Any) -> Found | None:  # noqa: ANN401 - JSON
        bindings = policy.get("bindings", []) if isinstance(policy, dict) else []
        fits = (one for one in bindings if one["role"] == role and member in one["members"] and "condition" not in one)
        return next(fits, None)

    return find
