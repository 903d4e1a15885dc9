"""Attacks on the API itself: bytes that are no HTTP, requests that the document forbids, tokens for other studies."""

import json
import random
import time

from served import Served, check


class Enough(KeyboardInterrupt):
    """The time is over; Hypothesis ends at once for this kind of exception alone."""


def head(*lines: str, first: str = "POST /v1/claims HTTP/1.1", body: str = "{}") -> bytes:
    return ("\r\n".join([first, *lines]) + "\r\n\r\n" + body).encode("latin-1")


# What two programs could read in two ways; each is answered 400, or the connection just ends.
AMBIGUOUS = [
    head("Host: h", "Content-Length: 2", "Transfer-Encoding: chunked", body="2\r\n{}\r\n0\r\n\r\n"),
    head("Host: h", "Content-Length: 2", "Content-Length: 2"),
    head("Host: h", "Content-Length: 2", "Content-Length: 5"),
    head("Host: h", "Content-Length: 2, 2"),
    head("Host: h", "Content-Length: +2"),
    head("Host: h", "Content-Length: -1"),
    head("Host: h", "Content-Length: 0x2"),
    head("Host: h", "Content-Length: 99999999999999999999"),
    head("Host: h", "Transfer-Encoding: gzip, chunked"),
    head("Host: h", "Transfer-Encoding: chunked", body="-1\r\n{}\r\n0\r\n\r\n"),
    head("Host: h", "Transfer-Encoding: chunked", body="fffffffffffffffff\r\n"),
    head("Host: h", "TE : trailers", "Content-Length: 2"),
    head("Host: h", "Transfer-Encoding : chunked", "Content-Length: 2"),
    head("Host: h", "X: a\rContent-Length: 2"),
    head("Host: h", "X: a\0b", "Content-Length: 2"),
    head("Host: h", "X\0: a", "Content-Length: 2"),
    head("Host: h", "X: a\r\n b", "Content-Length: 2"),
    head("Host: h\nContent-Length: 2"),
    head("Content-Length: 2"),
    head("Host: a", "Host: b", "Content-Length: 2"),
    head("Host: a,b", "Content-Length: 2"),
    head("Host: h", "Content-Length: 2", first="POST /v1/cl\0aims HTTP/1.1"),
    head("Host: h", "Content-Length: 2", first="POST  /v1/claims HTTP/1.1"),
    head("Host: h", "Content-Length: 2", first="POST /v1/claims HTTP/1.1 HTTP/1.1"),
    head("Host: h", "Content-Length: 2", first="POST /v1/studies/%ff/pause HTTP/1.1"),
    head("Host: h", "Content-Length: 2", first="POST /v1/studies/%00/pause HTTP/1.1"),
    head("Host: h", "Content-Length: 3", body="{\xff}"),
]


def is_alive(served: Served) -> None:
    served.is_alive()
    status, _ = served.call("GET", "/healthz")
    check(status == 200, f"/healthz answers {status}")


def raw_requests(seconds: float) -> str:
    """Ambiguous requests, then good ones with bytes changed, cut and doubled."""
    with Served() as served:
        token = f"Authorization: Bearer {served.token}\r\nHost:".encode()
        for data in AMBIGUOUS:
            answer = served.raw(data.replace(b"Host:", token, 1))
            first = answer.split(b"\r\n")[0]
            check(not answer or b" 400 " in first or b" 413 " in first, f"{data!r} was answered {answer[:200]!r}")
        is_alive(served)
        good = head(f"Host: h\r\nAuthorization: Bearer {served.token}", "Content-Length: 46",
                    body='{"worker": "w", "slots": 1, "wait_seconds": 0}')
        generator, count, end = random.Random(1), 0, time.monotonic() + seconds
        kinds: dict[bytes, int] = {}
        while time.monotonic() < end:
            data = bytearray(good)
            for _ in range(generator.randint(1, 6)):
                place = generator.randrange(len(data))
                match generator.randrange(4):
                    case 0: data[place] = generator.choice(b"\0\r\n\t :,\x7f\xff09aZ{}\"")
                    case 1: del data[place:place + generator.randint(1, 20)]
                    case 2: data[place:place] = data[place:place + generator.randint(1, 40)]
                    case 3: data[place:place] = bytes(generator.randrange(256) for _ in range(generator.randint(1, 8)))
                if not data:
                    break
            answer = served.raw(bytes(data), timeout=1)
            status = answer[9:12] if answer.startswith(b"HTTP/1.") else b"-"
            check(not status.startswith(b"5") or status == b"503", f"{bytes(data)!r} was answered {answer[:300]!r}")
            kinds[status] = kinds.get(status, 0) + 1
            count += 1
        is_alive(served)
        told = ", ".join(f"{kinds[key]} × {key.decode()}" for key in sorted(kinds))
        return f"{len(AMBIGUOUS)} ambiguous requests refused, {count} changed ones answered {told}"


def schema(seconds: float) -> str:
    """Requests that the OpenAPI document allows and forbids, and whether the answers are as it says."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    with Served() as served:
        served.register("w")
        document = schemathesis.openapi.from_dict(served.call("GET", "/v1/openapi.json")[1])
        document.config.update(base_url=served.url)
        # Streams do not end; the pages are no part of the API.
        operations = [found.ok() for found in document.get_all_operations()]
        operations = [each for each in operations if each.path.startswith("/v1/") and not each.path.endswith("/events")]
        count, share, problems = [0], seconds / len(operations) / 2, []
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                end = time.monotonic() + share

                @settings(max_examples=1_000, deadline=None, derandomize=True, database=None,
                          suppress_health_check=list(HealthCheck), phases=[Phase.generate])
                @given(case=operation.as_strategy(generation_mode=mode))
                def send(case):
                    if time.monotonic() > end:
                        raise Enough
                    if isinstance(case.body, dict) and isinstance(case.body.get("wait_seconds"), (int, float)):
                        case.body["wait_seconds"] = min(case.body["wait_seconds"], 0)
                    answer = case.call(headers={"Authorization": f"Bearer {served.token}"}, timeout=20)
                    count[0] += 1
                    if answer.status_code == 431:
                        return  # What was generated is longer than any request may be.
                    # What a study file has to say is no matter of the document.
                    case.validate_response(answer, excluded_checks=[positive_data_acceptance])

                try:
                    send()
                except (Enough, Unsatisfiable):
                    # The time is over, or such a call cannot be wrong.
                    continue
                except (Exception, FailureGroup) as error:
                    causes = getattr(error, "exceptions", [error])
                    problems.append(f"{operation.method.upper()} {operation.path} ({mode.value}): "
                                    + "; ".join(str(each)[:1500] for each in causes))
        is_alive(served)
        check(not problems, f"{len(problems)} calls are not as documented:\n" + "\n\n".join(problems))
        return f"{count[0]} generated requests to {len(operations)} calls, each answered as documented"


def scopes(seconds: float) -> str:
    """Tokens of each role for one study, tried on everything of the other."""
    with Served() as served:
        document = served.call("GET", "/v1/openapi.json")[1]
        held = {}
        for study in ("ours", "others"):
            token = served.token_of("worker", study)
            served.register(f"{study}-worker", 2, token)
            status, answer = served.call("POST", "/v1/claims", {
                "worker": f"{study}-worker", "slots": 1, "wait_seconds": 0, "study": study}, token)
            check(status == 200 and answer["trials"], f"nothing was claimed: {answer}")
            held[study] = answer["trials"][0]["lease"]

        def state() -> str:
            study = served.call("GET", "/v1/studies/ours")[1]
            trials = served.call("GET", "/v1/studies/ours/trials")[1]
            return json.dumps([study, trials], sort_keys=True)

        lease, before, count = held["ours"], state(), 0
        body = {
            "worker": "ours-worker", "slots": 1, "study": "ours", "lease": lease, "leases": [lease],
            "parameters": [], "reports": [{"lease": lease, "step": 1, "value": 1}],
            "results": [{"lease": lease, "outcome": "completed", "values": [0]}], "name": "ours",
            "directions": ["minimize"], "text": "x", "version": 0, "protocol": 1, "host": "h",
        }
        end = time.monotonic() + seconds
        for role in ("viewer", "worker", "admin"):
            token = served.token_of(role, "others")
            for path, calls in document["paths"].items():
                for method, call in calls.items():
                    if call["x-role"] == "none" or path.endswith("/events") or time.monotonic() > end:
                        continue
                    place = (path.replace("/workers/{name}", "/workers/ours-worker").replace("{name}", "ours")
                             .replace("{number}", "0").replace("{kind}", "history"))
                    fitting = {**body, "version": "0", "name": "ours-worker"} if path == "/v1/workers" else body
                    status, answer = served.call(method.upper(), place, fitting if method == "post" else None, token)
                    count += 1
                    shown = json.dumps(answer)
                    check(status in (400, 403) or "ours" not in shown.replace("yours", ""),
                          f"a {role} of another study is answered {status} by {method} {place}: {shown[:300]}")
                    check(status < 500, f"{method} {place}: {status} {shown[:300]}")
                    check(state() == before, f"a {role} of another study changed this one by {method} {place}")
        return f"{count} calls with tokens for another study, nothing seen or changed"
