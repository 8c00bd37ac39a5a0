"""What Gainsight was told of a record, as digests. Pure values: nothing of a record can be read from them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import LINKS, GainsightObject, Record

#: Bytes of the digests: of a record's key, by which it is kept; of a field's name, and of a value or a link.
RECORD_SIZE = 16
_NAME_SIZE = 4
_VALUE_SIZE = 8
_ROW = struct.Struct(f"{_NAME_SIZE}s{_VALUE_SIZE}s")
_HEAD = struct.Struct(">dBH")  # when, the length of the Gsid, the number of fields
_TIME = struct.Struct(">q")
#: Stands first among the names of the fields, for the time of the event. Earlier releases take it for one of them.
TIME_NAME = b"when"

#: A record by its object and its folded key, as `Request.records` names it.
Identity = tuple[str, str]


@attrs.frozen
class Told:
    """What Gainsight was told of one record.

    `key`: the digest of its key as it was spelled: another spelling may be another record. `fields`: the digests of the
    values by those of the names. `links`: those of the companies that a person is linked to. `gsid`: that of a company.
    `at`: since when all of it is so, in seconds since the epoch; 0: that is to be said by whoever keeps it. `is_all`:
    what was told before is not known any more, but for the time, which is in `moment`. That is when the newest of the
    events happened that told it, in microseconds since the epoch; None: nobody knows. It stays when nothing else is
    known any more.
    """

    key: bytes
    fields: Mapping[bytes, bytes] = attrs.field(factory=dict)
    links: frozenset[bytes] = frozenset()
    gsid: str | None = None
    at: float = 0.0
    is_all: bool = False
    moment: int | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known but the time."""
        return not self.fields and not self.links

    @property
    def only_time(self) -> Told | None:
        """What stays when it is not known any more what Gainsight has."""
        return None if self.moment is None else Told(self.key, at=self.at, moment=self.moment)

    def since(self, moment: float) -> Told | None:
        """What of it was told since then, in seconds since the epoch. When it was told stays, and that it was."""
        return self if self.at >= moment or self.is_blank else self.only_time

    def is_older_than(self, other: Told) -> bool:
        """Whether it is told by an event that is older than one which told the other, of the same record."""
        if self.moment is None or other.moment is None or self.key != other.key:
            return False
        return self.moment < other.moment

    def covers(self, other: Told) -> bool:
        """Whether the other says nothing that this one does not. Its Gsid and its time do not count."""
        return self.key == other.key and other.fields.items() <= self.fields.items() and other.links <= self.links

    def then(self, later: Told) -> Told:
        """What is told once this was, and then the other. Another key or Gsid is that of another record."""
        if later.is_all:
            return later
        moment = later.moment if later.key != self.key else newest(self.moment, later.moment)
        if later.key != self.key or (self.gsid and later.gsid and self.gsid != later.gsid):
            return attrs.evolve(later, is_all=True, moment=moment)
        is_new = later.fields.keys() >= self.fields.keys() and later.links >= self.links
        at = later.at if is_new else min(self.at, later.at)
        fields, links = {**self.fields, **later.fields}, self.links | later.links
        return Told(self.key, fields, links, later.gsid or self.gsid, at, self.is_all, moment)

    def packed(self) -> bytes:
        """In few bytes: about 12 a field, 8 a link and 42."""
        gsid, time = (self.gsid or "").encode(), self.moment is not None
        parts = [_HEAD.pack(self.at, len(gsid), time + len(self.fields)), gsid, self.key]
        parts += [TIME_NAME, _TIME.pack(self.moment)] if time else []
        parts += [name + value for name, value in self.fields.items()]
        return b"".join([*parts, *sorted(self.links)])

    @classmethod
    def unpacked(cls, data: bytes) -> Told:
        """That of what `packed` gave. Raises ValueError for anything else."""
        try:
            at, gsid_size, count = _HEAD.unpack_from(data)
        except struct.error as error:
            raise ValueError(str(error)) from None
        begin = _HEAD.size + gsid_size + _VALUE_SIZE
        end = begin + count * _ROW.size
        if len(data) < end or (len(data) - end) % _VALUE_SIZE:
            raise ValueError(f"{len(data)} bytes are not what a record takes")
        fields = dict(_ROW.iter_unpack(data[begin:end]))
        time = fields.pop(TIME_NAME, None)
        return cls(
            key=data[begin - _VALUE_SIZE : begin],
            fields=fields,
            links=frozenset(data[place : place + _VALUE_SIZE] for place in range(end, len(data), _VALUE_SIZE)),
            gsid=data[_HEAD.size : _HEAD.size + gsid_size].decode() or None,
            at=at,
            moment=None if time is None else _TIME.unpack(time)[0],
        )


def newest(one: int | None, other: int | None) -> int | None:
    """The later of two moments, as far as they are known."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def sent_told(record: bytes) -> Told:
    """What is kept of a track event that was sent."""
    return Told(record[:_VALUE_SIZE])


#: Of no record anything.
NOTHING: Mapping[bytes, Told] = {}
#: What was learnt of records, by their digests. None: it is not known any more what Gainsight has.
Learned = Mapping[bytes, Told | None]


@attrs.frozen(repr=False)
class Digests:
    """Makes the digests of one tenant's records.

    They are keyed by the tenant's access key, too, which stands in no store: a store by itself tells nothing, and after
    a change of the key nothing is known.
    """

    _key: bytes

    @classmethod
    def of(cls, config: DestinationConfig, salt: bytes) -> Digests:
        """Those of the config's tenant."""
        secret = f"{config.origin}\0{config.access_key or ''}".encode(errors="surrogatepass")
        return cls(blake2b(secret, digest_size=32, salt=salt[:16]).digest())

    @property
    def tenant(self) -> bytes:
        """That of the tenant."""
        return self._digest("tenant", RECORD_SIZE)

    def record(self, identity: Identity) -> bytes:
        """By what the record is kept."""
        return _of_record(self._key, identity)

    def records(self, identities: Iterable[Identity]) -> frozenset[bytes]:
        """By what the records are kept."""
        return frozenset(map(self.record, identities))

    def key(self, of: GainsightObject, record: Record) -> bytes:
        """That of the record's key as it is spelled."""
        return self._digest(of.key_of(record), _VALUE_SIZE)

    def sent(self, message_id: str) -> bytes:
        """By what is kept that the track event of that message id was sent."""
        return self.record(("Event", message_id))

    def told(self, of: GainsightObject, record: Record, gsid: str | None = None, moment: int | None = None) -> Told:
        """What the record tells, by an event of that moment."""
        links = record.get(LINKS)
        links = links if isinstance(links, list) else None
        fields = {
            _of_name(self._key, name): self._digest(f"{name}\0{value!r}", _VALUE_SIZE)
            for name, value in record.items()
            if not (name == LINKS and links is not None)
        }
        linked = frozenset(self._digest(repr(link), _VALUE_SIZE) for link in links or ())
        return Told(self.key(of, record), fields, linked, gsid, moment=moment)

    def _digest(self, text: str, size: int) -> bytes:
        return _digest(self._key, text, size)


def _digest(key: bytes, text: str, size: int) -> bytes:
    begun = _begun(key, size).copy()
    begun.update(text.encode("utf-8", "surrogatepass"))
    return begun.digest()


@lru_cache(1_000)  # the key is most of what there is to digest: a copy takes half of the time
def _begun(key: bytes, size: int) -> blake2b:
    return blake2b(digest_size=size, key=key)


@lru_cache(2_000)  # each is asked for several times while its event is under way
def _of_record(key: bytes, identity: Identity) -> bytes:
    return _digest(key, "\0".join(identity), RECORD_SIZE)


@lru_cache(1_000)  # there are few names, and each comes with every record
def _of_name(key: bytes, name: str) -> bytes:
    digest = _digest(key, name, _NAME_SIZE)
    return digest if digest != TIME_NAME else digest[::-1]
