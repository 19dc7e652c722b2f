#!/usr/bin/env python3
"""A complete Provost worker that only uses the standard library. It counts words for jobs of kind `words.count`.

    PROVOST_SERVER=http://127.0.0.1:8080 PROVOST_WORKER_TOKEN=... python3 worker.py
"""
import json, os, random, signal, socket, threading, time, urllib.error, urllib.request, uuid

SERVER = os.environ.get("PROVOST_SERVER", "http://127.0.0.1:8080").rstrip("/")
TOKEN = os.environ.get("PROVOST_WORKER_TOKEN")
WORKER_ID = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # Unique to each start.
KINDS = ["words.count"]
stop = threading.Event()


class Lost(Exception):
    """The lease is lost."""


def send(method, path, body, attempts=8):
    """Sends a request. Retries temporary errors with exponential backoff and jitter."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    for attempt in range(attempts):
        try:
            request = urllib.request.Request(SERVER + "/internal" + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 409:
                raise Lost(path) from None
            if error.code < 500 and error.code not in (408, 429):
                raise SystemExit(f"{path}: {error.read().decode()}")
        except OSError:
            pass  # The server is unreachable.
        time.sleep(random.random() * min(0.2 * 2**attempt, 10))
    raise ConnectionError(path)


def send_heartheartbeats(job, state, done):
    """Extends the lease until `done` is set, and records a cancellation or a lost lease."""
    while not done.is_set():
        try:
            body = {"job_id": job["job_id"], "progress": state.get("progress")}
            response = send("PUT", f"/executions/{job['execution_id']}/heartbeat", body, attempts=1)
            if response["cancel"]:
                state["cancel"] = True
            pause = response["lease_ttl_ms"] / 4000
        except Lost:
            state["lost"] = True
            return
        except ConnectionError:
            pause = 1
        done.wait(pause)


def work(job, state):
    """Runs the job. Long jobs should stop if `state` contains `cancel` or `lost`."""
    text = job["payload_json"].get("text", "")
    send("POST", f"/executions/{job['execution_id']}/logs", {"content": f"counting {len(text)} characters"})
    state["progress"] = {"fraction": 0.5, "text": "counting"}  # Sent with the next heartbeat.
    return {"words": len(text.split())}


def run(job):
    state, done = {}, threading.Event()
    heartbeats = threading.Thread(target=send_heartheartbeats, args=(job, state, done))
    heartbeats.start()
    try:
        result = {"exit_code": 0, "result": work(job, state)}
    except Exception as error:  # Report every error as the reason of the failure.
        result = {"exit_code": 1, "error": f"{type(error).__name__}: {error}"}
    if state.get("cancel"):
        result = {"canceled": True}
    try:
        send("PUT", f"/executions/{job['execution_id']}/result", result | {"job_id": job["job_id"]}, attempts=30)
    except Lost:
        print("lost", job["execution_id"], flush=True)
    finally:
        done.set()
        heartbeats.join()


for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: stop.set())
request_id = uuid.uuid4().hex
while not stop.is_set():
    body = {"worker_id": WORKER_ID, "request_id": request_id, "kinds": KINDS, "limit": 1, "wait": "4s"}
    try:
        jobs = send("POST", "/executions/dequeue", body)["executions"]
    except ConnectionError:
        continue  # Repeat the request with the same id: it returns the same jobs.
    request_id = uuid.uuid4().hex
    for job in jobs:
        run(job)
