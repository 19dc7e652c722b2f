#!/usr/bin/env python3
"""A whole worker for Provost, with nothing but the standard library: it counts the words of jobs of kind `words.count`.

    PROVOST_SERVER=http://127.0.0.1:8080 PROVOST_WORKER_TOKEN=... python3 worker.py
"""
import json, os, random, signal, socket, threading, time, urllib.error, urllib.request, uuid

SERVER = os.environ.get("PROVOST_SERVER", "http://127.0.0.1:8080").rstrip("/")
TOKEN = os.environ.get("PROVOST_WORKER_TOKEN")
ME = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # New for every start.
KINDS = ["words.count"]
stop = threading.Event()


class Lost(Exception):
    """The execution is somebody else's by now."""


def ask(method, path, body, tries=8):
    """Sends it; again after a random pause that may double each time, unless it is we who are wrong."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    for attempt in range(tries):
        try:
            request = urllib.request.Request(SERVER + "/internal" + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 409:
                raise Lost(path) from None
            if error.code < 500 and error.code not in (408, 429):
                raise SystemExit(f"{path}: {error.read().decode()}")
        except OSError:
            pass  # The server is away. It may come back.
        time.sleep(random.random() * min(0.2 * 2**attempt, 10))
    raise ConnectionError(path)


def beat(job, told, done):
    """Says that we are still at work, and hears whether somebody wants us to stop."""
    while not done.is_set():
        try:
            said = {"job_id": job["job_id"], "progress": told.get("progress")}
            answer = ask("PUT", f"/executions/{job['execution_id']}/heartbeat", said, tries=1)
            if answer["cancel"]:
                told["cancel"] = True
            pause = answer["lease_ttl_ms"] / 4000
        except Lost:
            told["lost"] = True
            return
        except ConnectionError:
            pause = 1
        done.wait(pause)


def work(job, told):
    """The work itself. It looks at `told` now and then; whoever only computes need not."""
    text = job["payload_json"].get("text", "")
    ask("POST", f"/executions/{job['execution_id']}/logs", {"content": f"counting {len(text)} characters"})
    told["progress"] = {"fraction": 0.5, "text": "counting"}  # The next heartbeat takes it along.
    return {"words": len(text.split())}


def run(job):
    told, done = {}, threading.Event()
    beats = threading.Thread(target=beat, args=(job, told, done))
    beats.start()
    try:
        result = {"exit_code": 0, "result": work(job, told)}
    except Exception as error:  # Whatever it is, the job's record shall say it.
        result = {"exit_code": 1, "error": f"{type(error).__name__}: {error}"}
    if told.get("cancel"):
        result = {"canceled": True}
    try:
        ask("PUT", f"/executions/{job['execution_id']}/result", result | {"job_id": job["job_id"]}, tries=30)
    except Lost:
        print("lost", job["execution_id"], flush=True)
    finally:
        done.set()
        beats.join()


for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: stop.set())
request = uuid.uuid4().hex
while not stop.is_set():
    question = {"worker_id": ME, "request_id": request, "kinds": KINDS, "limit": 1, "wait": "4s"}
    try:
        jobs = ask("POST", "/executions/dequeue", question)["executions"]
    except ConnectionError:
        continue  # The same question again: what was given for it before is given again.
    request = uuid.uuid4().hex
    for job in jobs:
        run(job)
