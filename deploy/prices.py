"""List prices in dollars without free tiers, in Iowa and, for Firestore, nam5 (two regions), with their sources."""

from dataclasses import dataclass
from decimal import Decimal

# Cards issued in the US: https://stripe.com/pricing
STRIPE_SHARE, STRIPE_FIXED_CENTS = Decimal("0.029"), 30


@dataclass(frozen=True)
class Price:
    """What one unit of something costs; `day` says when its source was last looked up, None that it was not."""

    what: str
    dollars: float
    source: str
    day: str | None = "2026-11-21"


_CLOUD = "https://cloud.google.com"
_RUN = f"{_CLOUD}/run/pricing"
_FIRESTORE = f"{_CLOUD}/firestore/pricing"
_PUBSUB = f"{_CLOUD}/pubsub/pricing"
_OBSERVABILITY = f"{_CLOUD}/stackdriver/pricing"
_ALERTING = f"{_CLOUD}/monitoring/alerts/cost-control"

REQUEST = Price("Cloud Run: a request", 0.40 / 1e6, _RUN)
VCPU_S = Price("Cloud Run: a second of a CPU", 0.000024, _RUN)
GIB_S = Price("Cloud Run: a second of a GiB", 0.0000025, _RUN)
IDLE_VCPU_S = Price("Cloud Run: a second of a warm, idle CPU", 0.0000025, _RUN)
READ = Price("Firestore: a document read", 0.06 / 1e5, _FIRESTORE)
WRITE = Price("Firestore: a document written", 0.18 / 1e5, _FIRESTORE)
STORED_GIB = Price("Firestore: a GiB stored, a month", 0.18, _FIRESTORE)
BACKUP_GIB = Price("Firestore: a GiB of a backup, a month", 0.03, _FIRESTORE, None)
MESSAGE_KIB = Price("Pub/Sub: a KiB of messages ($40 per TiB)", 40 / 2**30, _PUBSUB)
KEPT_GIB = Price("Pub/Sub: a GiB of messages kept, a month", 0.27, _PUBSUB)
LOG_GIB = Price("Logging: a GiB of logs (the first 50 a month are free)", 0.50, _OBSERVABILITY)
LOG_KEPT_GIB = Price("Logging: a GiB kept beyond 30 days, a month", 0.01, _OBSERVABILITY, None)
STORAGE_GIB = Price("Cloud Storage: a GiB in the US, a month", 0.026, f"{_CLOUD}/storage/pricing", None)
ALERT_CONDITION = Price("Monitoring: a condition of an alert, a month", 1.50, _ALERTING)
ALERT_SERIES = Price("Monitoring: a time series that a condition returns", 0.35 / 1e6, _ALERTING)
SECRET = Price("Secret Manager: a secret's version, a month", 0.06, f"{_CLOUD}/secret-manager/pricing")
REGISTRY_GIB = Price("Artifact Registry: a GiB, a month", 0.10, f"{_CLOUD}/artifact-registry/pricing")
BUILD_MINUTE = Price("Cloud Build: a minute of E2_HIGHCPU_8", 0.016, f"{_CLOUD}/build/pricing")

ALL = (
    REQUEST,
    VCPU_S,
    GIB_S,
    IDLE_VCPU_S,
    READ,
    WRITE,
    STORED_GIB,
    BACKUP_GIB,
    MESSAGE_KIB,
    KEPT_GIB,
    LOG_GIB,
    LOG_KEPT_GIB,
    STORAGE_GIB,
    ALERT_CONDITION,
    ALERT_SERIES,
    SECRET,
    REGISTRY_GIB,
    BUILD_MINUTE,
)
