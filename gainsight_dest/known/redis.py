"""What is known, leases and the budget in Redis or Valkey, for the processes of several machines.

Each method is one script, which the server runs as a whole, and the server's clock counts: those of the machines may
differ. All keys begin with `gainsight-dest:`.

**A lease takes what is known with it.** What is known of a record stands in one place: in `told`, or in its lease while
somebody has one. So whatever becomes of a lease, the record is not known before it is given back, but when it was told
last.

**A restart.** A server that begins anew may have lost what it was told last, whatever it saves: a replica that takes
over, too. So with each connection its `run_id` is compared. If it is another one, all that was known is forgotten, and
no call is made for a minute, as nobody knows those of the minute before.

**Memory.** The server must not throw away keys to make room for others: `maxmemory-policy` is `noeviction`, or one of
`volatile-*`, as all keys that matter stay until they are deleted. Another one is refused, if `maxmemory` is set. A
server without room for more refuses to write, which is a StoreError.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from math import inf
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - the client calls it so
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - the same
)
from redis.retry import Retry

from gainsight_dest.known.database import shown
from gainsight_dest.known.known import LEASE, MOST, Store, StoreError, after
from gainsight_dest.known.told import TIME_NAME, Learned, Told

_VERSION = 1
_SALT = 16
_PREFIX = "gainsight-dest:"
_ABOUT, _TOLD, _AGES, _LEASES, _HOLDS = (f"{_PREFIX}{name}" for name in ("about", "told", "ages", "leases", "holds"))
#: Records that one command is about. A script is not interrupted: others wait.
_AT_ONCE = 1_000
#: Seconds to wait before asking again where there was no connection: a server that begins anew needs about a second.
_PAUSES = (0.05, 0.2, 0.5, 1.0)
#: Seconds for an answer, if the address does not say otherwise: `?socket_timeout=3`.
_PATIENCE = 5.0

#: What to do, by what has happened: first match.
_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (AuthenticationError, "see that its user and its password are right"),
    (AuthorizationError, "see that its user and its password are right"),
    (NoPermissionError, "let its user run EVAL, EVALSHA, SCRIPT LOAD, INFO, and all of the keys gainsight-dest:*"),
    (ReadOnlyError, "it is a replica: name the server that takes writes"),
    (OutOfMemoryError, "give it more memory, or keep fewer records"),
    (BusyLoadingError, "wait until it has read its data"),
    (ConnectionError, "see that it runs, and can be reached from here"),
    (TimeoutError, "it does not answer in time: see to it, and to the network"),
    (ResponseError, "it must be Redis 5 or newer, or Valkey"),
    (OSError, "see that it runs, and can be reached from here"),
    (ValueError, "name it as redis://user:password@host:6379/0"),
    (Exception, "see that it is Redis or Valkey"),
)

# --- what the server does ---------------------------------------------------------------------------------------------

#: Before each script. A lease: its owner, when it ends, whether somebody whose lease had ended has written the record
#: since, and what is known of it.
_BEFORE = f"""
local ABOUT, TOLD, AGES, LEASES, HOLDS = '{_ABOUT}', '{_TOLD}', '{_AGES}', '{_LEASES}', '{_HOLDS}'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(value) return string.format('%.0f', value) end

local function lease_of(record)
  local lease = redis.call('HGET', LEASES, record)
  if not lease then return nil end
  local owner, ends, spoilt, told = string.match(lease, '^(%d+) (%d+) (%d) (.*)$')
  return owner, tonumber(ends), spoilt == '1', told
end

local function lend(record, owner, ends, spoilt, told)
  redis.call('HSET', LEASES, record, owner .. ' ' .. number(ends) .. (spoilt and ' 1 ' or ' 0 ') .. told)
end

local function keep(record, told)
  if told == '' then
    redis.call('HDEL', TOLD, record)
    redis.call('ZREM', AGES, record)
  else
    redis.call('HSET', TOLD, record, told)
    redis.call('ZADD', AGES, (struct.unpack('>d', told)), record)
  end
end

-- What stays when it is not known any more what Gainsight has: when it was told last, as Told packs it, or nothing.
local function only_time(told)
  if string.len(told) < 31 then return '' end
  local at, gsid, fields, place = struct.unpack('>dBH', told)
  local key = string.sub(told, place + gsid, place + gsid + 7)
  local row = string.sub(told, place + gsid + 8, place + gsid + 19)
  if fields == 0 or string.sub(row, 1, 4) ~= '{TIME_NAME.decode()}' then return '' end
  return struct.pack('>dBH', at, 0, 1) .. key .. row
end

local function is_another(salt)
  local about = redis.call('HMGET', ABOUT, 'salt', 'run')
  return about[1] ~= salt or not about[2]
end
local ANOTHER = redis.error_reply('ANOTHER it was emptied')
"""

#: ARGV: version, salt, run, the run of before. The salt that counts, and the version.
_CONNECT = """
redis.call('HSETNX', ABOUT, 'version', ARGV[1])
redis.call('HSETNX', ABOUT, 'salt', ARGV[2])
local about = redis.call('HMGET', ABOUT, 'version', 'salt', 'run', 'restarted')
local run, before = ARGV[3], ARGV[4]
if about[3] ~= run then
  redis.call('UNLINK', TOLD, AGES)
  local leases = redis.call('HKEYS', LEASES)
  for _, record in ipairs(leases) do
    local owner, ends, spoilt = lease_of(record)
    lend(record, owner, ends, spoilt, '')
  end
  redis.call('HSET', ABOUT, 'run', run)
end
local is_new = (about[3] and about[3] ~= run) or (before ~= '' and (before ~= run or not about[3]))
if is_new and (about[4] ~= run or not about[3]) then
  redis.call('HSET', ABOUT, 'restarted', run, 'free', number(now + 60000))
end
return {about[2], about[1]}
"""

#: ARGV: salt, owner, milliseconds, records. KEYS[1]: what the owner has. What is known of each, in their order; nothing
#: if they were not taken.
_TAKE = """
if is_another(ARGV[1]) then return ANOTHER end
local owner, ends, is_free = ARGV[2], now + ARGV[3], true
for place = 4, #ARGV do
  local its_owner, its_end = lease_of(ARGV[place])
  if its_owner and its_owner ~= owner and its_end > now then is_free = false end
end
local known = {}
for place = 4, #ARGV do
  local record = ARGV[place]
  local its_owner, its_end, spoilt, told = lease_of(record)
  if not is_free then
    -- The clock was set back: such a lease would not end in time.
    if its_owner and its_owner ~= owner and its_end > ends then lend(record, its_owner, ends, spoilt, told) end
  elseif not its_owner then
    told = redis.call('HGET', TOLD, record) or ''
    if told ~= '' then keep(record, '') end
  elseif its_end <= now then
    spoilt, told = false, only_time(told)
  end
  if is_free then
    table.insert(known, told)
    lend(record, owner, ends, spoilt, told)
    redis.call('SADD', KEYS[1], record)
  end
end
if not is_free then return false end
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[3])
return known
"""

#: ARGV: salt, the most records, the owner, and for each record itself, what was known, what is now. An empty owner:
#: whoever has a lease. Those of which something else was known, each with that: nothing is done with them.
_KEEP = """
if is_another(ARGV[1]) then return ANOTHER end
local most, owner = tonumber(ARGV[2]), ARGV[3]
local others = {}
for place = 4, #ARGV, 3 do
  local record, expected, told = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  local its_owner, its_end, spoilt, known = lease_of(record)
  if owner ~= '' and (its_owner ~= owner or its_end <= now or spoilt) then
    local left = only_time(its_owner and known or redis.call('HGET', TOLD, record) or '')
    if its_owner == owner then
      redis.call('HDEL', LEASES, record)
    elseif its_owner then
      lend(record, its_owner, its_end, true, left)
      left = ''
    end
    keep(record, left)
  else
    if not its_owner then known = redis.call('HGET', TOLD, record) or '' end
    if known ~= expected then
      table.insert(others, record)
      table.insert(others, known)
    elseif its_owner and owner == '' then
      lend(record, its_owner, its_end, spoilt, told)
    else
      if its_owner then
        redis.call('HDEL', LEASES, record)
        redis.call('SREM', KEYS[1], record)
      end
      keep(record, told)
    end
  end
end
local over = redis.call('HLEN', TOLD) - most
if over > 0 and #others == 0 then
  local oldest = redis.call('ZPOPMIN', AGES, math.min(over, 5000))
  for place = 1, #oldest, 2 do redis.call('HDEL', TOLD, oldest[place]) end
end
return others
"""

#: ARGV: salt, owner. KEYS[1]: what the owner has.
_RELEASE = """
if is_another(ARGV[1]) then return ANOTHER end
for _, record in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local its_owner, its_end, spoilt, told = lease_of(record)
  if its_owner == ARGV[2] then
    redis.call('HDEL', LEASES, record)
    if its_end <= now or spoilt then told = only_time(told) end
    if told ~= '' then keep(record, told) end
  end
end
redis.call('DEL', KEYS[1])
return 1
"""

#: ARGV: salt, milliseconds, owners. KEYS: what each owner has. What has ended is left by processes that were killed.
_RENEW = """
if is_another(ARGV[1]) then return ANOTHER end
local is_renewed = {}
for place, owned in ipairs(KEYS) do
  is_renewed[ARGV[place + 2]] = true
  redis.call('PEXPIRE', owned, 2 * ARGV[2])
end
for _, record in ipairs(redis.call('HKEYS', LEASES)) do
  local its_owner, its_end, spoilt, told = lease_of(record)
  if its_end <= now then
    redis.call('HDEL', LEASES, record)
    told = only_time(told)
    if told ~= '' then keep(record, told) end
  elseif is_renewed[its_owner] then
    lend(record, its_owner, now + ARGV[2], spoilt, told)
  end
end
return 1
"""

#: Before the scripts of calls. KEYS[1]: by slots of a tenth of a second, the calls from the beginning until the end of
#: each, as "slot calls". So those of any time are a difference, and a slot that is left out makes calls seem later than
#: they were, never earlier.
_CALLS = """
local MINUTE, DAY = 600, 864000
local slot = math.floor(now / 100)

local function until_slot(last)
  local found = redis.call('ZREVRANGEBYSCORE', KEYS[1], last, '-inf', 'LIMIT', 0, 1)[1]
  if not found then return 0, 0 end
  local its_slot, calls = string.match(found, '^(%d+) (%d+)$')
  return tonumber(its_slot), tonumber(calls)
end

local function count(calls)
  local before = redis.call('ZRANGEBYSCORE', KEYS[1], number(slot), '+inf')
  local counted = number(slot) .. ' ' .. number(calls)
  redis.call('ZADD', KEYS[1], number(slot), counted) -- first, as it fails where there is no memory
  for _, each in ipairs(before) do
    if each ~= counted then redis.call('ZREM', KEYS[1], each) end
  end
end

local newest, total = until_slot('+inf')
if newest > slot then -- the clock was set back: they were made by now
  count(total)
  newest = slot
end
local function before(span)
  local _, calls = until_slot(number(slot - span - 1))
  return calls
end
"""

#: ARGV: salt, tenant, the most of a minute, of a day; -1: without end. The milliseconds to wait.
_SPEND = f"""
if is_another(ARGV[1]) then return ANOTHER end
{_CALLS}
local free = tonumber(redis.call('HGET', ABOUT, 'free') or 0)
if free > now + 60000 then
  free = now + 60000
  redis.call('HSET', ABOUT, 'free', number(free))
end
local hold = redis.call('HGET', HOLDS, ARGV[2])
if hold then
  local began, lasts = string.match(hold, '^(%d+) (%d+)$')
  if tonumber(began) > now then
    began = now
    redis.call('HSET', HOLDS, ARGV[2], number(now) .. ' ' .. lasts)
  end
  free = math.max(free, began + lasts)
end
if free > now then return free - now end

local wait = 0
for place, span in ipairs({{MINUTE, DAY}}) do
  local limit = tonumber(ARGV[place + 2])
  if limit >= 0 and total - before(span) >= limit then
    local freed, begin = slot, 0
    repeat
      local found = redis.call('ZRANGEBYSCORE', KEYS[1], number(slot - span), '+inf', 'LIMIT', begin, 1)[1]
      if not found then break end
      local its_slot, calls = string.match(found, '^(%d+) (%d+)$')
      freed, begin = tonumber(its_slot), begin + 1
    until tonumber(calls) > total - limit
    wait = math.max(wait, (freed + span + 1) * 100 - now + 1)
  end
end
if wait > 0 or (ARGV[3] == '-1' and ARGV[4] == '-1') then return wait end

count(total + 1)
-- Of minutes that are over, the last slot stays; of what is older than a day, nothing.
local function thin(first, last)
  local stays = until_slot(number(last))
  redis.call('ZREMRANGEBYSCORE', KEYS[1], number(first), '(' .. number(stays))
end
local minute = math.floor(newest / MINUTE)
if math.floor(slot / MINUTE) > minute then
  for each = minute - 1, minute do
    if (each + 1) * MINUTE <= slot - MINUTE then thin(each * MINUTE, (each + 1) * MINUTE - 1) end
  end
  thin(0, slot - DAY - 1)
end
return 0
"""

_USED = f"{_CALLS}\nreturn total - before(MINUTE)"

#: ARGV: tenant, milliseconds.
_HOLD = """
local hold = redis.call('HGET', HOLDS, ARGV[1])
local began, lasts = string.match(hold or '0 0', '^(%d+) (%d+)$')
if tonumber(began) > now or began + lasts < now + ARGV[2] then
  redis.call('HSET', HOLDS, ARGV[1], number(now) .. ' ' .. number(ARGV[2]))
end
return 1
"""


_SCRIPTS = (_TAKE, _KEEP, _RELEASE, _RENEW, _SPEND, _USED, _HOLD)


class _RefusedError(RedisError):
    """The server is there, but is no store for us."""


class RedisStore(Store):
    """The store of a Redis or Valkey server: `redis://`, `rediss://` with TLS, `unix://` for a socket.

    `most`: so many records are kept. `lease`: seconds after which a lease ends. Where a connection breaks, each method
    tries again for two seconds: all may be done twice, and a call that is counted twice is one less of the limit. All
    methods raise StoreError, which tells no password.
    """

    def __init__(self, url: str, most: int = MOST, *, lease: float = LEASE) -> None:
        self.where = _masked(url)
        self._password = ""
        self._most = most
        self._lease = _milliseconds(lease)
        self._run = ""
        self.salt = secrets.token_bytes(_SALT)
        #: What is known of the records that each owner has: to be added to when they are given back.
        self._taken: dict[int, dict[bytes, bytes]] = {}
        self._is_new = True
        self._is_closed = False
        try:
            pool = ConnectionPool.from_url(url)
        except Exception as error:  # noqa: BLE001 - of whatever the address holds
            raise StoreError(self.where, f"cannot be used: {_remedy(error)}") from None
        own = {"decode_responses": False, "retry": Retry(NoBackoff(), 0), "redis_connect_func": self._connected}
        patience = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}
        pool.connection_kwargs = {**patience, **pool.connection_kwargs, **own}
        self._password = str(pool.connection_kwargs.get("password") or "")
        self._redis = Redis(connection_pool=pool)
        self._scripts = {each: self._redis.register_script(_BEFORE + each) for each in _SCRIPTS}
        try:
            self._try(self._redis.ping)
        except StoreError:
            self.close()
            raise

    def view(self, records: Iterable[bytes], since: float = -inf) -> dict[bytes, Told]:
        """What is known of those records, if it was told since then. Nothing of one that somebody has a lease of."""
        known: dict[bytes, Told] = {}
        for part in _parts([*records]):
            found = self._try(partial(self._redis.hmget, _TOLD, part))
            known.update((record, self._unpacked(packed)) for record, packed in zip(part, found, strict=True) if packed)
        seen = ((record, told.since(since)) for record, told in known.items())
        return {record: told for record, told in seen if told is not None}

    def learn(self, learned: Learned, at: float) -> None:
        """Add what a batch has learnt to what was known, whoever has a lease."""
        self._keep(learned, "", at, dict.fromkeys(learned, b""))

    def take(self, records: Collection[bytes], owner: int, known: dict[bytes, Told] | None = None) -> bool:
        """Lease all of the records, or none: False, if another owner has one."""
        wanted = [*{*records}]
        told = self._run_script(_TAKE, [_owned(owner)], owner, self._lease, *wanted)
        if told is None:
            return False
        if wanted:
            self._taken.setdefault(owner, {}).update(zip(wanted, told, strict=True))
        if known is not None:
            known.update((record, self._unpacked(each)) for record, each in zip(wanted, told, strict=True) if each)
        return True

    def give(self, learned: Learned, owner: int, at: float) -> None:
        """Give records back, with what Gainsight was told of each since they were taken."""
        taken = self._taken.get(owner, {})
        self._keep(learned, str(owner), at, {record: taken.pop(record, b"") for record in learned})
        if not taken:
            self._taken.pop(owner, None)

    def release(self, owner: int) -> None:
        """Give back all that the owner has, with nothing said to Gainsight since."""
        self._taken.pop(owner, None)
        self._run_script(_RELEASE, [_owned(owner)], owner)

    def renew(self, owners: Collection[int]) -> None:
        """Begin the leases of those owners anew. Of what others did not give back in time, nothing is known."""
        self._run_script(_RENEW, [_owned(owner) for owner in owners], self._lease, *owners)

    def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
        """0 if the tenant may be called now, which counts the call; else the seconds to wait before asking again."""
        limits = (-1 if limit is None else limit for limit in (per_minute, per_day))
        return float(self._run_script(_SPEND, [_calls(tenant)], tenant, *limits) / 1000)

    def hold(self, tenant: bytes, seconds: float) -> None:
        """No call before so many seconds have passed, for any process."""
        self._try(lambda: self._scripts[_HOLD](args=[tenant, _milliseconds(seconds)]))

    def used(self, tenant: bytes) -> int:
        """The calls of the last sixty seconds."""
        return int(self._try(lambda: self._scripts[_USED](keys=[_calls(tenant)])))

    def close(self) -> None:
        """Close it. Leases that were not given back end in their time."""
        self._is_closed = True
        self._redis.connection_pool.disconnect()

    def _keep(self, learned: Learned, owner: str, at: float, expected: Mapping[bytes, bytes]) -> None:
        """Add it to what is known. Where that is not what was expected, the server tells it, and is asked again."""
        for part in _parts([*learned]):
            known = {record: expected[record] for record in part}
            while known:
                arguments: list[bytes] = []
                for record, packed in known.items():
                    told = after(self._unpacked(packed) if packed else None, learned[record], at)
                    arguments += record, packed, told.packed() if told else b""
                others = self._run_script(_KEEP, [_owned(owner)], self._most, owner, *arguments)
                known = dict(zip(others[::2], others[1::2], strict=True))

    def _unpacked(self, packed: bytes) -> Told:
        try:
            return Told.unpacked(packed)
        except ValueError:
            problem = f"what is known of a record cannot be read: delete the keys {_PREFIX}*, and all is told again"
            raise StoreError(self.where, problem) from None

    # --- the server ---------------------------------------------------------------------------------------------------

    def _run_script(self, script: str, keys: list[str], *arguments: Any) -> Any:
        """What a script gives that begins with the salt. A server that was emptied meanwhile is begun anew."""
        run = self._scripts[script]
        try:
            return self._try(lambda: run(keys=keys, args=[self.salt, *arguments]))
        except _EmptiedError:
            self._redis.connection_pool.disconnect()
            return self._try(lambda: run(keys=keys, args=[self.salt, *arguments]))

    def _try(self, work: Callable[[], Any]) -> Any:
        """What the server answers. Raises StoreError."""
        if self._is_closed:
            raise StoreError(self.where, "is closed: open it again")
        pauses = iter(_PAUSES)
        while True:
            try:
                return work()
            except (RedisError, OSError) as error:
                is_passing = isinstance(error, (ConnectionError, TimeoutError)) and not isinstance(error, _FOR_GOOD)
                pause = next(pauses, None) if is_passing else None
                if pause is None:
                    raise self._fault(error) from None
            time.sleep(pause)

    def _fault(self, error: Exception) -> StoreError:
        if isinstance(error, _RefusedError):
            return StoreError(self.where, str(error))
        if str(error).startswith("ANOTHER"):
            return _EmptiedError(self.where, "was emptied while it was used: run again")
        return StoreError(self.where, f"cannot be used: {self._told(error)}: {_remedy(error)}")

    def _told(self, error: Exception) -> str:
        text = shown(str(error)) or type(error).__name__
        return text.replace(self._password, "***") if self._password else text

    def _connected(self, connection: Any) -> None:
        """Each connection begins with it: the server may be another one, or have begun anew."""
        connection.on_connect()
        info = _info(_asked(connection, "INFO", "server") + b"\r\n" + _asked(connection, "INFO", "memory"))
        policy = info.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys") and info.get("maxmemory", "0") != "0":
            raise _RefusedError(
                f"may throw away what it must keep: its maxmemory-policy is {shown(policy)}. Set it to noeviction"
            )
        run = info.get("run_id", "")
        if not run:
            raise _RefusedError("does not say which server it is (run_id of INFO): name the server itself")
        salt, version = _asked(connection, "EVAL", _BEFORE + _CONNECT, 0, _VERSION, self.salt, run, self._run)
        if version != b"%d" % _VERSION:
            raise _RefusedError(
                f"was written by another version of this library ({shown(version.decode('ascii', 'replace'))}, "
                f"not {_VERSION}): use that one, or delete the keys {_PREFIX}*, and all is told again"
            )
        if self._is_new:
            self.salt, self._is_new = salt, False
        elif salt != self.salt:
            raise _RefusedError("was emptied while it was used, and another process has begun it anew: open it again")
        self._run = run


class _EmptiedError(StoreError):
    """Somebody has deleted our keys."""


#: What does not pass by itself, though the client calls it an error of the connection.
_FOR_GOOD = (AuthenticationError, AuthorizationError)


def _asked(connection: Any, *command: Any) -> Any:
    connection.send_command(*command, check_health=False)
    return connection.read_response()


def _info(text: bytes) -> Mapping[str, str]:
    lines = (line.partition(":") for line in text.decode("utf-8", "replace").splitlines())
    return {name: value for name, _, value in lines}


def _owned(owner: int | str) -> str:
    return f"{_PREFIX}owned:{owner}"


def _calls(tenant: bytes) -> str:
    return f"{_PREFIX}calls:{tenant.hex()}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _parts(records: list[bytes]) -> Iterable[list[bytes]]:
    return (records[begin : begin + _AT_ONCE] for begin in range(0, len(records), _AT_ONCE))


def _remedy(error: Exception) -> str:
    return next(remedy for kind, remedy in _REMEDIES if isinstance(error, kind))


def _masked(url: str) -> str:
    """The address without its user, its password and its options, which may hold one, too."""
    scheme = url.partition("://")[0]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{scheme}://…"
    is_shown = scheme == "unix" or parts.path.strip("/").isdecimal()
    path = parts.path if is_shown and "@" not in parts.path else ""
    return shown(f"{scheme}://{host}{port}{path}")
