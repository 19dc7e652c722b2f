#!/usr/bin/env node
// A whole worker for Provost, with nothing but Node's own: it counts the words of jobs of kind `words.count`.
//
//     PROVOST_SERVER=http://127.0.0.1:8080 PROVOST_WORKER_TOKEN=... node worker.mjs
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const SERVER = (process.env.PROVOST_SERVER ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
const TOKEN = process.env.PROVOST_WORKER_TOKEN;
const ME = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`; // New for every start.
const KINDS = ["words.count"];
let stopping = false;

class Lost extends Error {} // The execution is somebody else's by now.
class Away extends Error {} // The server is, for longer than we want to wait.

// Sends it; again after a random pause that may double each time, unless it is we who are wrong.
async function ask(method, path, body, tries = 8) {
  const headers = { "content-type": "application/json", ...(TOKEN && { authorization: `Bearer ${TOKEN}` }) };
  for (let attempt = 0; attempt < tries; attempt++) {
    try {
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(`${SERVER}/internal${path}`, { method, headers, signal, body: JSON.stringify(body) });
      const text = await answer.text();
      if (answer.ok) return text ? JSON.parse(text) : {};
      if (answer.status === 409) throw new Lost(path);
      if (answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
        console.error(`${path}: ${text}`);
        process.exit(1);
      }
    } catch (error) {
      if (error instanceof Lost) throw error; // Anything else: the server is away. It may come back.
    }
    await sleep(Math.random() * Math.min(200 * 2 ** attempt, 10_000));
  }
  throw new Away(path);
}

// Says that we are still at work until `done`, and hears whether somebody wants us to stop.
async function beat(job, stop, done) {
  while (!done.aborted) {
    let pause = 1000;
    try {
      const said = { job_id: job.job_id, progress: job.progress };
      const answer = await ask("PUT", `/executions/${job.execution_id}/heartbeat`, said, 1);
      if (answer.cancel) stop.abort("cancel");
      pause = answer.lease_ttl_ms / 4;
    } catch (error) {
      if (error instanceof Lost) return stop.abort("lost");
    }
    await sleep(pause, undefined, { signal: done }).catch(() => {});
  }
}

// The work itself. It looks at `stop` now and then, or hands it on to whatever it waits for.
async function work(job, stop) {
  const text = job.payload_json.text ?? "";
  await ask("POST", `/executions/${job.execution_id}/logs`, { content: `counting ${text.length} characters` });
  job.progress = { fraction: 0.5, text: "counting" }; // The next heartbeat takes it along.
  return { words: text.split(/\s+/).filter(Boolean).length };
}

async function run(job) {
  const [stop, done] = [new AbortController(), new AbortController()];
  const beats = beat(job, stop, done.signal);
  let result;
  try {
    result = { exit_code: 0, result: await work(job, stop.signal) };
  } catch (error) {
    result = { exit_code: 1, error: String(error) }; // Whatever it is, the job's record shall say it.
  }
  if (stop.signal.reason === "cancel") result = { canceled: true };
  try {
    await ask("PUT", `/executions/${job.execution_id}/result`, { ...result, job_id: job.job_id }, 30);
  } catch (error) {
    console.log(error.constructor.name, job.execution_id);
  }
  done.abort();
  await beats;
}

for (const name of ["SIGTERM", "SIGINT"]) process.on(name, () => (stopping = true));
let request = randomUUID();
while (!stopping) {
  const question = { worker_id: ME, request_id: request, kinds: KINDS, limit: 1, wait: "4s" };
  try {
    const { executions } = await ask("POST", "/executions/dequeue", question);
    request = randomUUID();
    for (const job of executions) await run(job);
  } catch (error) {
    if (!(error instanceof Away)) throw error; // The same question again: what was given for it before is given again.
  }
}
