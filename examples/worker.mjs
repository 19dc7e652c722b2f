#!/usr/bin/env node
// A complete Provost worker that only uses Node's standard library. It counts words for jobs of kind `words.count`.
//
//     PROVOST_SERVER=http://127.0.0.1:8080 PROVOST_WORKER_TOKEN=... node worker.mjs
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const SERVER = (process.env.PROVOST_SERVER ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
const TOKEN = process.env.PROVOST_WORKER_TOKEN;
const WORKER_ID = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`; // Unique to each start.
const KINDS = ["words.count"];
let stopping = false;

class Lost extends Error {} // The lease is lost.
class Unreachable extends Error {} // All retries failed.

// Sends a request. Retries temporary errors with exponential backoff and jitter.
async function send(method, path, body, attempts = 8) {
  const headers = { "content-type": "application/json", ...(TOKEN && { authorization: `Bearer ${TOKEN}` }) };
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(`${SERVER}/internal${path}`, { method, headers, signal, body: JSON.stringify(body) });
      const text = await response.text();
      if (response.ok) return text ? JSON.parse(text) : {};
      if (response.status === 409) throw new Lost(path);
      if (response.status < 500 && response.status !== 408 && response.status !== 429) {
        console.error(`${path}: ${text}`);
        process.exit(1);
      }
    } catch (error) {
      if (error instanceof Lost) throw error; // Any other error is temporary.
    }
    await sleep(Math.random() * Math.min(200 * 2 ** attempt, 10_000));
  }
  throw new Unreachable(path);
}

// Extends the lease until `done`, and aborts `stop` after a cancellation or a lost lease.
async function sendHeartbeats(job, stop, done) {
  while (!done.aborted) {
    let pause = 1000;
    try {
      const body = { job_id: job.job_id, progress: job.progress };
      const response = await send("PUT", `/executions/${job.execution_id}/heartbeat`, body, 1);
      if (response.cancel) stop.abort("cancel");
      pause = response.lease_ttl_ms / 4;
    } catch (error) {
      if (error instanceof Lost) return stop.abort("lost");
    }
    await sleep(pause, undefined, { signal: done }).catch(() => {});
  }
}

// Runs the job. Long jobs should check `stop`, or pass it to the functions that they await.
async function work(job, stop) {
  const text = job.payload_json.text ?? "";
  await send("POST", `/executions/${job.execution_id}/logs`, { content: `counting ${text.length} characters` });
  job.progress = { fraction: 0.5, text: "counting" }; // Sent with the next heartbeat.
  return { words: text.split(/\s+/).filter(Boolean).length };
}

async function run(job) {
  const [stop, done] = [new AbortController(), new AbortController()];
  const heartbeats = sendHeartbeats(job, stop, done.signal);
  let result;
  try {
    result = { exit_code: 0, result: await work(job, stop.signal) };
  } catch (error) {
    result = { exit_code: 1, error: String(error) }; // Report every error as the reason of the failure.
  }
  if (stop.signal.reason === "cancel") result = { canceled: true };
  try {
    await send("PUT", `/executions/${job.execution_id}/result`, { ...result, job_id: job.job_id }, 30);
  } catch (error) {
    console.log(error.constructor.name, job.execution_id);
  }
  done.abort();
  await heartbeats;
}

for (const name of ["SIGTERM", "SIGINT"]) process.on(name, () => (stopping = true));
let requestId = randomUUID();
while (!stopping) {
  const body = { worker_id: WORKER_ID, request_id: requestId, kinds: KINDS, limit: 1, wait: "4s" };
  try {
    const { executions } = await send("POST", "/executions/dequeue", body);
    requestId = randomUUID();
    for (const job of executions) await run(job);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error; // Repeat the request with the same id: it returns the same jobs.
  }
}
