"""Customer events into Gainsight CS: RudderStack's identify, group and track events as Gainsight requests.

```python
request = transform(event, config)
while request is not None:
    request = request.next(send(request))
```
"""

from gainsight_dest.api import Response
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import (
    CreateCompany,
    FindCompany,
    Request,
    SendEvent,
    Step,
    UpdateCompany,
    UpsertPerson,
    preview,
)
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    FieldError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnsupportedTypeError,
)
from gainsight_dest.secret import Secret
from gainsight_dest.transform import group, identify, is_enabled, track, transform

__all__ = [
    "ConfigError",
    "CreateCompany",
    "CredentialsError",
    "DestinationConfig",
    "EventError",
    "FieldError",
    "FindCompany",
    "GainsightDestError",
    "RejectedError",
    "Request",
    "Response",
    "ResponseError",
    "RetryableError",
    "Secret",
    "SendEvent",
    "Step",
    "ThrottledError",
    "UnsupportedTypeError",
    "UpdateCompany",
    "UpsertPerson",
    "group",
    "identify",
    "is_enabled",
    "preview",
    "track",
    "transform",
]

__version__ = "0.1.0"
