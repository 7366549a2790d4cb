"""One deployment at a time: a lock in the environment's bucket."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.commands import gcloud, listing
from deploy.environment import DeployError
from deploy.google_cloud import GoogleCloud

_WAIT_S = 15
_PATIENCE_S = 45 * 60  # longer than a deployment takes
_TAKEN = re.compile(r"412|conditionNotMet|pre-?conditions? .*did not hold|PreconditionFailed", re.IGNORECASE)
_NO_BUCKET = re.compile(r"404|not found|does not exist", re.IGNORECASE)


@contextmanager
def locked(cloud: GoogleCloud, bucket: str, holder: str, *, take_over: bool = False) -> Iterator[None]:
    """Hold the environment's lock; wait while another deployment holds it.

    Before the first deployment there is no bucket, and no lock.

    Args:
        cloud: where the bucket is.
        bucket: its name.
        holder: who deploys, for whoever waits.
        take_over: remove the lock of a deployment that was killed.

    Raises:
        DeployError: the lock was not released in time.
    """
    address = f"gs://{bucket}/lock"
    if take_over:
        cloud.run(gcloud("storage", "rm", address))
    generation = _acquire(cloud, address, holder)
    try:
        yield
    finally:
        if generation:
            cloud.run(gcloud("storage", "rm", address, f"--if-generation-match={generation}"))


def _acquire(cloud: GoogleCloud, address: str, holder: str) -> str:
    """Return the lock's generation, by which it is released; empty if there is no bucket yet."""
    create = gcloud("storage", "cp", "-", address, "--if-generation-match=0")
    for waited_s in range(0, _PATIENCE_S, _WAIT_S):
        done = cloud.run(create, holder)
        if done.returncode == 0:
            described = cloud.run(listing("storage", "objects", "describe", address))
            return str(json.loads(described.stdout)["generation"])
        if _TAKEN.search(done.stderr):
            other = cloud.run(gcloud("storage", "cat", address)).stdout.strip() or "another deployment"
            print(f"  waiting    for {other} ({waited_s} s; --break-lock if it was killed)", flush=True)
            cloud.sleep(_WAIT_S)
        elif _NO_BUCKET.search(done.stderr):
            return ""
        else:
            raise DeployError(f"{done.stderr.strip()}\nThe lock {address} could not be taken")
    raise DeployError(f"Another deployment holds {address}. If it was killed, run this again with --break-lock.")
