"""The one method of Secret Manager that the product calls, with secrets that can be rotated."""

import grpc
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)


class SecretServer:
    """Secrets by full name, `projects/…/secrets/…/versions/…`."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def access(self, path: str, request: bytes, _context: grpc.ServicerContext) -> list[bytes]:
        """Answer the method AccessSecretVersion."""
        if not path.endswith("/AccessSecretVersion"):
            raise NotImplementedError(path)
        name = AccessSecretVersionRequest.deserialize(request).name
        payload = SecretPayload(data=self.values[name].encode())
        return [AccessSecretVersionResponse.serialize(AccessSecretVersionResponse(name=name, payload=payload))]
