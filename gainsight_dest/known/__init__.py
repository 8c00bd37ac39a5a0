"""What Gainsight has been told, so that it is not told again, and no two processes write one record at a time."""

from gainsight_dest.known.known import Known, Store, StoreError, new_owner
from gainsight_dest.known.told import Digests, Learned, Told

__all__ = ["Digests", "Known", "Learned", "Store", "StoreError", "Told", "new_owner"]
