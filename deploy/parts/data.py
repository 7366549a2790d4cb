"""Firestore: the database, its backups, rules and indexes."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.resource import Resource, State, always, by_name, last_part

_DATABASE = "--database=(default)"
_PROTECTED = {
    "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
}


def firestore(deployment: Deployment) -> None:
    """Create the database; in prod with point-in-time recovery, delete protection and backups."""
    environment = deployment.environment
    database = ("firestore", "databases")
    protection = ("--enable-pitr", "--delete-protection") if environment.protected else ()
    update = gcloud(*database, "update", _DATABASE, *protection, deployment.project)
    deployment.executor.ensure(
        Resource(
            "Firestore database (default)",
            deployment.listing(*database, "list"),
            by_name("(default)"),
            gcloud(
                *database,
                "create",
                _DATABASE,
                f"--location={environment.database_location}",
                "--type=firestore-native",
                *protection,
                deployment.project,
            ),
            always(update) if protection else None,
            desired=_PROTECTED if environment.protected else {},
            immutable={"locationId": environment.database_location, "type": "FIRESTORE_NATIVE"},
        )
    )
    if environment.protected:
        _backups(deployment, "daily", days=7)
        _backups(deployment, "weekly", days=98)


def _backups(deployment: Deployment, recurrence: str, *, days: int) -> None:
    schedules = ("firestore", "backups", "schedules")
    weekday = ("--day-of-week=SUN",) if recurrence == "weekly" else ()
    retention = f"--retention={days}d"

    def update(existing: State) -> tuple[str, ...]:
        schedule = f"--backup-schedule={last_part(existing)}"
        return gcloud(*schedules, "update", schedule, _DATABASE, retention, deployment.project)

    deployment.executor.ensure(
        Resource(
            f"backups {recurrence}",
            deployment.listing(*schedules, "list", _DATABASE),
            lambda listed: next((one for one in listed if f"{recurrence}Recurrence" in one), None),
            gcloud(
                *schedules,
                "create",
                _DATABASE,
                f"--recurrence={recurrence}",
                *weekday,
                retention,
                deployment.project,
            ),
            update,
            desired={"retention": f"{days * 86_400}s"},
        )
    )


def rules(deployment: Deployment) -> None:
    """Deploy rules, indexes and field exemptions; firebase-tools leaves alone what the files already say."""
    deployment.firebase("Firestore rules, indexes and field exemptions", "firestore:rules,firestore:indexes")
