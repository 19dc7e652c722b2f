#!/usr/bin/env python3
"""A provisioner over HTTP, with the standard library only: it makes a folder with a key for each project.

PROVOST_SERVER and PROVOST_WORKER_TOKEN as for `provost worker`; FOLDERS is the directory of all folders.
"""

import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid

SERVER = os.environ.get("PROVOST_SERVER", "http://127.0.0.1:8080")
TOKEN = os.environ.get("PROVOST_WORKER_TOKEN", "")
FOLDERS = pathlib.Path(os.environ.get("FOLDERS", "folders"))
WORKER_ID = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
QUEUES = ["folders"]
MAX_SIZE = 100
stop = threading.Event()


class Lost(Exception):
    """Another attempt runs the job, or none should. Stop at once, without another effect."""


class Stopped(Exception):
    """The operation is to stop: it was canceled, or the project is to be deleted."""


class Failure(Exception):
    def __init__(self, code, message, retryable=True):
        super().__init__(message)
        self.code, self.retryable = code, retryable


# --- What this provisioner makes: steps with observe, act and undo. Every part is idempotent.


class Folder:
    """The folder, named after the id of the project. A lost answer can therefore always be looked up."""

    name = "folder"

    def observe(self, job):
        return {"path": str(job.folder)} if job.folder.is_dir() else None

    def act(self, job):
        job.folder.mkdir(parents=True, exist_ok=True)
        return {"path": str(job.folder)}

    def undo(self, job):
        shutil.rmtree(job.folder, ignore_errors=True)


class Key:
    """A key. It is stored with Provost before it is used, so that a crash cannot lose it."""

    name = "key"

    def observe(self, job):
        stored, used = job.secret("key"), job.folder / "key"
        return {} if stored and used.is_file() and used.read_text() == stored else None

    def act(self, job):
        job.store_secret("key", secrets.token_urlsafe(24))
        (job.folder / "key").write_text(job.secret("key"))  # The stored one, if an earlier attempt has made one.
        return {}

    def undo(self, job):
        job.forget_secret("key")


class Size:
    name = "size"

    def observe(self, job):
        file, size = job.folder / "size", job.parameters["size"]
        return {"size": size} if file.is_file() and file.read_text() == str(size) else None

    def act(self, job):
        size = job.parameters["size"]
        if size > MAX_SIZE:
            raise Failure("too_large", f"size must be at most {MAX_SIZE} MiB; got {size}", retryable=False)
        (job.folder / "size").write_text(str(size))
        return {"size": size}

    def undo(self, job):
        pass  # It goes away with the folder.


class SetAside:
    """Takes the folder out of service. It can be brought back until the grace time is over."""

    name = "set_aside"

    def observe(self, job):
        return None if job.folder.exists() else {}

    def act(self, job):
        job.folder.rename(job.aside)
        return {}

    def undo(self, job):
        if job.aside.exists():
            job.aside.rename(job.folder)


class BringBack:
    name = "bring_back"

    def observe(self, job):
        return {} if job.folder.exists() else None

    def act(self, job):
        job.aside.rename(job.folder)
        return {}

    def undo(self, job):
        pass


class Remove:
    name = "remove"

    def observe(self, job):
        return None if job.folder.exists() or job.aside.exists() else {}

    def act(self, job):
        for folder in (job.folder, job.aside):
            if folder.exists():
                shutil.rmtree(folder)
        return {}

    def undo(self, job):
        pass


STEPS = {
    "project.provision": [Folder(), Key(), Size()],
    "project.adopt": [Folder(), Key(), Size()],
    "project.update": [Size()],
    "project.retire": [SetAside()],
    "project.restore": [BringBack()],
    "project.deprovision": [Remove()],
}
# These are served too, so that they fail with a reason instead of waiting for their deadline.
UNSUPPORTED = ["project.clone", "project.rotate", "project.pause", "project.resume"]


# --- The protocol: docs/remote-workers.md and docs/provisioners.md.


def send(method, path, body=None, attempts=8):
    """Sends a request. Repeats it until it arrives or is rejected."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {TOKEN}"} if TOKEN else {})
    for attempt in range(attempts):
        try:
            request = urllib.request.Request(f"{SERVER}/internal{path}", data, headers, method=method)
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 409 and json.load(error).get("code") == "lease_lost":
                raise Lost(path) from None
            if error.code < 500 and error.code not in (408, 429):
                raise Failure("refused", f"{path}: {error.code} {error.reason}", retryable=False) from None
        except OSError:
            pass  # The server is unreachable.
        time.sleep(random.random() * min(0.2 * 2**attempt, 10))
    raise ConnectionError(path)


class Job:
    """One attempt at an operation on a project."""

    def __init__(self, given):
        payload = given["payload_json"]
        settings = payload.get("settings") or {}
        self.id, self.execution, self.kind = given["job_id"], given["execution_id"], given["kind"]
        self.lease, self.lost = given["lease_ttl_ms"] / 1000, threading.Event()
        self.is_last = given["failures"] + 1 >= given["max_attempts"]
        # What works keeps working, and a removal is not reversed.
        is_creation = self.kind == "project.provision" and settings.get("on_failure") == "undo"
        self.undoes = is_creation or self.kind == "project.retire"
        self.parameters = settings.get("defaults", {}) | payload["parameters"]
        self.folder = FOLDERS / payload["project_id"]
        self.aside = FOLDERS / f"{payload['project_id']}.retired"

    def call(self, method, path, body=None):
        if self.lost.is_set():
            raise Lost(path)
        return send(method, f"/executions/{self.execution}{path}", {"job_id": self.id} | (body or {}))

    def record(self, position, step, state, **more):
        body = {"position": position, "name": step.name, "state": state} | more
        return self.call("PUT", "/steps", body)["stop_request"]

    def recorded(self):
        steps = send("GET", f"/executions/{self.execution}/steps?job_id={self.id}")
        return {step["position"]: step for step in steps}

    def secret(self, name):
        return self.call("POST", "/secrets/read", {"name": name})["value"]

    def store_secret(self, name, value):
        self.call("PUT", "/secrets", {"name": name, "value": value})  # One that exists stays.

    def forget_secret(self, name):
        self.call("POST", "/secrets/forget", {"name": name})


def perform(job):
    """Performs the steps that are not done. Returns the result for the server."""
    steps, recorded = STEPS.get(job.kind), job.recorded()
    if steps is None:
        raise Failure("not_supported", "this provisioner does not support the operation", retryable=False)
    touched = [at for at, step in sorted(recorded.items()) if step["state"] not in ("undone", "skipped")]
    is_undoing = any(step["state"] in ("undoing", "undone", "undo_failed") for step in recorded.values())
    outputs, ended = {}, None
    try:
        if is_undoing:  # Once that has begun, there is no way forward.
            raise Failure("undone", "an earlier attempt has failed and begun to undo", retryable=False)
        for at, step in enumerate(steps):
            if at in recorded and recorded[at]["state"] == "done":
                outputs |= recorded[at]["output"] or {}
            else:
                outputs |= run_step(job, at, step, touched)
        return {"exit_code": 0, "result": outputs}
    except Stopped:
        ended = {"canceled": True}
    except Failure as failure:
        if failure.retryable and not job.is_last:
            return {"error": str(failure)}
        ended = {"error": str(failure), "retryable": False}
    if job.undoes:
        for at in reversed(touched):
            job.record(at, steps[at], "undoing")
            try:
                steps[at].undo(job)
            except OSError as error:
                job.record(at, steps[at], "undo_failed", code="undo_failed", error=str(error))
                return {"error": f"undoing failed: {error}", "retryable": False}
            job.record(at, steps[at], "undone")
    return ended


def run_step(job, at, step, touched):
    if job.record(at, step, "running"):  # Recorded before it acts.
        job.record(at, step, "failed" if at in touched else "skipped", error="stopped on request", code="canceled")
        raise Stopped
    if at not in touched:
        touched.append(at)
    try:
        output = step.observe(job)
        output = step.act(job) if output is None else output
    except (Failure, OSError) as error:
        failure = error if isinstance(error, Failure) else Failure("failed", str(error))
        job.record(at, step, "failed", code=failure.code, error=str(failure), retryable=failure.retryable)
        raise failure from None
    job.record(at, step, "done", output=output)
    return output


def keep_lease(job, done):
    """Extends the lease until `done` is set. A stop request is in the answer to the next step."""
    while not done.wait(job.lease / 4):
        try:
            send("PUT", f"/executions/{job.execution}/heartbeat", {"job_id": job.id}, attempts=1)
        except Lost:
            return job.lost.set()
        except (ConnectionError, Failure):
            pass


def run(given):
    job, done = Job(given), threading.Event()
    heartbeats = threading.Thread(target=keep_lease, args=(job, done))
    heartbeats.start()
    try:
        try:
            result = perform(job)
        except Failure as failure:
            result = {"error": str(failure), "retryable": failure.retryable}
        send("PUT", f"/executions/{job.execution}/result", result | {"job_id": job.id}, attempts=30)
    except (Lost, ConnectionError) as error:
        print(f"{type(error).__name__}: {job.execution}", flush=True)
    finally:
        done.set()
        heartbeats.join()


for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: stop.set())
request_id = uuid.uuid4().hex
while not stop.is_set():
    body = {"worker_id": WORKER_ID, "request_id": request_id, "queues": QUEUES, "limit": 1, "wait": "4s"}
    try:
        jobs = send("POST", "/executions/dequeue", body | {"kinds": [*STEPS, *UNSUPPORTED]})["executions"]
    except ConnectionError:
        continue  # Repeat the request with the same id: it returns the same jobs.
    request_id = uuid.uuid4().hex
    for given in jobs:
        run(given)
