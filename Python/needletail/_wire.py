"""Messages of Optuna's storage service, in the encoding of Protocol Buffers, and trials in them."""

from __future__ import annotations

import datetime
import json
import struct

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

# True for type checkers alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_pack_double = struct.Struct("<d").pack
_unpack_double = struct.Struct("<d").unpack_from
_SMALL = [bytes([number]) for number in range(128)]
_WHOLE = 1 << 64
_MOMENT = "%Y-%m-%d %H:%M:%S.%f"
STATES = (
    TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.WAITING
)
#: Distributions that are kept by their text, and the other way round.
_KEPT = 10_000
_distributions: dict[bytes, Any] = {}
_texts: dict[Any, bytes] = {}


# Writing


def _varint(value: int) -> bytes:
    if 0 <= value < 128:
        return _SMALL[value]
    if not -(_WHOLE >> 1) <= value < _WHOLE >> 1:
        raise ValueError(f"the number {str(value)[:40]} has more than 64 bits; give a smaller one")
    value %= _WHOLE
    made = bytearray()
    while value >= 128:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def message(number: int, content: bytes) -> bytes:
    """A message inside, or a text that is encoded."""
    return _SMALL[number << 3 | 2] + _varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A whole number."""
    return _SMALL[number << 3] + _varint(int(value)) if value else b""


def double(number: int, value: float) -> bytes:
    """A number of double precision."""
    try:
        return _SMALL[number << 3 | 1] + _pack_double(value)
    except (OverflowError, struct.error):
        raise ValueError(f"{str(value)[:40]!r} is no number of double precision") from None


def text(number: int, value: str, what: str) -> bytes:
    """A text, of which an error says what it is."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}; give a text")
    try:
        return message(number, value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} {value!r} has half a character; give one of whole ones") from None


def doubles(number: int, values: Sequence[float]) -> bytes:
    """Numbers of double precision."""
    try:
        content = b"".join([_pack_double(float(value)) for value in values])
    except OverflowError:
        raise ValueError("one of the values is no number of double precision") from None
    return message(number, content) if content else b""


def integers(number: int, values: Sequence[int]) -> bytes:
    """Whole numbers."""
    return message(number, b"".join([_varint(value) for value in values])) if values else b""


def attribute(key: str, value: Any) -> bytes:
    """An attribute as fields 2 and 3; raises what `json.dumps` raises for what is not JSON."""
    return text(2, key, "the attribute's key") + message(3, json.dumps(value).encode())


def distribution_text(distribution: optuna.distributions.BaseDistribution) -> bytes:
    """A distribution as JSON."""
    key: Any
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        # Choices that are equal may differ in kind: 1 and True.
        key = (distribution.choices, tuple(map(type, distribution.choices)))
    else:
        given = distribution.__dict__
        key = (type(distribution), *[given.get(name) for name in ("low", "high", "step", "log")])
    try:
        known = _texts.get(key)
    except TypeError:
        return distribution_to_json(distribution).encode()
    if known is None:
        known = distribution_to_json(distribution).encode()
        if len(_texts) >= _KEPT:
            _texts.clear()
        # -0.0 is 0.0 as a key, and is spelled otherwise.
        if b"-0.0" not in known:
            _texts[key] = known
    return known


def _moment_text(moment: datetime.datetime | None) -> bytes:
    if moment is None:
        return b""
    if moment.tzinfo is not None:
        moment = moment.astimezone().replace(tzinfo=None)
    return moment.strftime(_MOMENT).encode()


def encoded(trial: FrozenTrial) -> bytes:
    """A trial that is to be created."""
    made = [
        integer(3, STATES.index(trial.state)),
        doubles(4, trial.values or ()),
        message(5, _moment_text(trial.datetime_start)),
        message(6, _moment_text(trial.datetime_complete)),
    ]
    for name, distribution in trial.distributions.items():
        key = text(1, name, "the parameter's name")
        number = distribution.to_internal_repr(trial.params[name])
        made.append(message(7, key + double(2, number)))
        made.append(message(8, key + message(2, distribution_text(distribution))))
    for number, attributes in ((9, trial.user_attrs), (10, trial.system_attrs)):
        for name, value in attributes.items():
            key = text(1, name, "the attribute's key")
            made.append(message(number, key + message(2, json.dumps(value).encode())))
    for step, value in trial.intermediate_values.items():
        made.append(message(11, integer(1, step) + double(2, value)))
    return b"".join(made)


# Reading


def _long(data: bytes, place: int) -> tuple[int, int]:
    """The whole number there, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value if value < _WHOLE >> 1 else value - _WHOLE, place
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: numbers, whole or not, and bytes."""
    place, end = 0, len(data)
    while place < end:
        tag = data[place]
        place += 1
        kind = tag & 7
        if kind == 1:
            yield tag >> 3, _unpack_double(data, place)[0]
            place += 8
            continue
        value = data[place]
        place += 1
        if value >= 128:
            value, place = _long(data, place - 1)
        if kind == 2:
            yield tag >> 3, data[place : place + value]
            place += value
        else:
            yield tag >> 3, value


def several(content: bytes) -> list[int]:
    """The whole numbers of a repeated field."""
    found, place = [], 0
    while place < len(content):
        number, place = _long(content, place)
        found.append(number)
    return found


def attributes(data: bytes, number: int) -> dict[str, Any]:
    """The attributes that a message has under that number."""
    found = {}
    for known, content in fields(data):
        if known == number:
            key, value = _pair(content, b"", b"")
            found[key.decode()] = json.loads(value)
    return found


def _pair(content: bytes, key: Any, value: Any) -> tuple[Any, Any]:
    """An entry of a map; what is left out is what was given."""
    for number, found in fields(content):
        if number == 1:
            key = found
        else:
            value = found
    return key, value


def head(data: bytes) -> tuple[int, int, TrialState, float | None]:
    """Id, number and state of a trial, and its first value."""
    number = state = trial_id = 0
    for known, value in fields(data):
        if known == 1:
            trial_id = value
        elif known == 2:
            number = value
        elif known == 3:
            state = value
        elif known == 4:
            return trial_id, number, STATES[state], _unpack_double(value, 0)[0]
        else:
            break
    return trial_id, number, STATES[state], None


def _moment(content: bytes) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(content.decode()) if content else None


def decoded(data: bytes) -> FrozenTrial:
    """A trial."""
    trial_id = number = state = 0
    values: list[float] | None = None
    start = end = None
    internal: dict[bytes, float] = {}
    texts: dict[bytes, bytes] = {}
    kinds: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    reports: dict[int, float] = {}
    for known, value in fields(data):
        if known == 11:
            step, report = _pair(value, 0, 0.0)
            reports[step] = report
        elif known == 7:
            name, parameter = _pair(value, b"", 0.0)
            internal[name] = parameter
        elif known == 8:
            name, form = _pair(value, b"", b"")
            texts[name] = form
        elif known == 1:
            trial_id = value
        elif known == 2:
            number = value
        elif known == 3:
            state = value
        elif known == 4:
            values = list(struct.unpack(f"<{len(value) // 8}d", value))
        elif known == 5:
            start = _moment(value)
        elif known == 6:
            end = _moment(value)
        else:
            key, form = _pair(value, b"", b"")
            kinds[known - 9][key.decode()] = json.loads(form)
    params, distributions = {}, {}
    for raw, parameter in internal.items():
        distribution = _distributions.get(texts[raw])
        if distribution is None:
            distribution = json_to_distribution(texts[raw].decode())
            if len(_distributions) >= _KEPT:
                _distributions.clear()
            _distributions[texts[raw]] = distribution
        name = raw.decode()
        distributions[name] = distribution
        params[name] = distribution.to_external_repr(parameter)
    return FrozenTrial(
        number, STATES[state], None, start, end, params, distributions, kinds[0], kinds[1], reports,
        trial_id, values=values,
    )
