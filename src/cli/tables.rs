//! The tables of the command line: one declaration per kind of object.

use super::output::{CellFormat, Column, Resource, tables};

tables! {
    PROJECT = "project" by "id" {
        "ID" "id" Exact; "NAME" "name" Text; "STATUS" "status" State; "HEALTH" "health" Text wide;
        "TEMPLATE" "template" Text wide; "LABELS" "labels" Text wide; "TENANT" "tenant" Text wide; "CREATED" "created_at" Time;
        "UPDATED" "updated_at" Time wide; "EXPIRES" "expires_at" Time wide; "ERROR" "error_reason" Text;
    }

    FINDING = "difference" by "id" {
        "ID" "id" Exact; "KIND" "kind" Text; "OBJECT" "object" Text; "MESSAGE" "message" Text;
        "PROJECT" "project_name" Text; "CLUSTER" "cluster" Text wide; "SINCE" "first_seen_at" Time;
    }

    DIFFERENCE = "difference" by "object" {
        "PROJECT" "project" Text; "OBJECT" "object" Text; "MESSAGE" "message" Text; "ID" "project_id" Exact wide;
    }

    PROJECT_EVENT = "event" by "id" {
        "WHEN" "occurred_at" Time; "FROM" "previous_state" State; "TO" "new_state" State; "ACTOR" "actor" Text;
        "REASON" "reason" Text; "JOB" "job_id" Exact wide; "EXECUTION" "execution_id" Exact wide;
        "REQUEST" "request_id" Text wide;
    }

    TEMPLATE = "template" by "name" {
        "NAME" "name" Exact; "VERSION" "version" Number; "TITLE" "title" Text; "PROVISIONER" "provisioner" Text;
        "ON FAILURE" "on_failure" Text wide; "DESCRIPTION" "description" Text wide;
    }

    REISSUED = "credential" by "project_id" {
        "PROJECT" "project_id" Exact; "NAME" "name" Text; "STATUS" "status" State; "STARTED" "started" Text; "ERROR" "error" Text;
    }

    CLUSTER = "cluster" by "name" {
        "NAME" "name" Exact; "STATE" "state" State; "VERSION" "capabilities.version" Text; "ADDRESS" "address" Text;
        "LOGIN" "capabilities.login" Text wide; "SUPERUSER" "capabilities.superuser" Text wide;
        "CONNECTIONS" "capabilities.connections" Number wide; "OF" "capabilities.max_connections" Number wide;
        "ACTIVE" "active" Number; "CONCURRENCY" "concurrency" Number; "WAITING" "held_back" Number wide;
        "ISOLATION" "isolation" Text; "REASON" "reason" Text;
    }

    PROJECT_OPERATION = "operation" by "job_id" {
        "OPERATION" "operation" Text; "STATE" "state" State; "ATTEMPT" "attempt" Number; "JOB" "job_id" Exact;
        "CREATED" "created_at" Time; "FINISHED" "finished_at" Time wide; "ERROR" "error" Text;
    }

    PROJECT_STEP = "step" by "position" {
        "STEP" "name" Text; "STATE" "state" State; "ATTEMPT" "attempt" Number; "MS" "duration_ms" Number;
        "STARTED" "started_at" Time wide; "CODE" "code" Text wide; "ERROR" "error" Text;
    }

    PROJECT_OUTPUT = "outputs" by "database" {
        "HOST" "host" Text; "PORT" "port" Number; "DATABASE" "database" Exact; "USER" "user" Exact;
        "VERSION" "server_version" Text wide;
    }

    PROJECT_EXPLANATION = "explanation" by "project_id" { "REASON" "reason" Exact; "SUMMARY" "summary" Text; }

    PROJECT_COUNT = "status" by "status" { "STATUS" "status" State; "PROJECTS" "projects" Number; }

    JOB = "job" by "id" {
        "ID" "id" Exact; "KIND" "kind" Text; "QUEUE" "queue" Text; "STATE" "state" State;
        "PRIORITY" "priority" Number wide; "ATTEMPT" "attempt" Number; "TENANT" "tenant" Text wide;
        "TAGS" "tags" Text wide; "NAME" "payload.name" Text wide; "WORKER" "worker_id" Text wide;
        "PROGRESS" "progress.text" Text wide; "DUE" "run_at" Time wide; "CREATED" "created_at" Time;
        "ERROR" "error" Text;
    }

    JOB_EXPLANATION = "explanation" by "reason" { "REASON" "reason" Exact; "SUMMARY" "summary" Text; }

    JOB_INSPECTION = "inspection" by "job.id" { "ID" "job.id" Exact; }

    JOB_COUNT = "state" by "state" { "STATE" "state" State; "JOBS" "jobs" Number; }

    /// The result of a bulk operation.
    BULK_RESULT = "acted" by "moved" { "CHANGED" "moved" Number; "REFUSED" "refused" Count; }

    /// A job of a graph.
    GRAPH_NODE = "job" by "job_id" { "ID" "job_id" Exact; }

    EXECUTION = "execution" by "id" {
        "ID" "id" Exact; "ATTEMPT" "attempt" Number; "JOB" "job_id" Exact wide; "WORKER" "worker_id" Text;
        "CLAIMED" "claimed_at" Time; "DURATION" "duration_ms" Millis; "OUTCOME" "outcome" State; "ERROR" "error" Text;
    }

    LOG_LINE = "line" by "id" {
        "WHEN" "created_at" Time; "STREAM" "stream" Text; "LINE" "content" Text;
        "EXECUTION" "execution_id" Exact wide;
    }

    EVENT = "event" by "id" {
        "WHEN" "occurred_at" Time; "ENTITY" "entity" Exact wide; "ID" "entity_id" Exact wide;
        "FROM" "previous_state" State; "TO" "new_state" State; "ATTEMPT" "attempt" Number; "ACTOR" "actor" Text;
        "REASON" "reason" Text;
    }

    QUEUE = "queue" by "name" {
        "NAME" "name" Exact; "STATE" "state" State; "WAITING" "waiting" Number; "ACTIVE" "active" Number;
        "RETRYING" "retrying" Number; "SCHEDULED" "scheduled" Number wide; "BLOCKED" "blocked" Number wide;
        "FAILED" "failed" Number; "OLDEST" "oldest_waiting_at" Time; "IN/MIN" "in_per_minute" Number wide;
        "OUT/MIN" "out_per_minute" Number wide; "WORKERS" "workers" Number; "CONCURRENCY" "concurrency" Number wide;
        "REASON" "reason" Text;
    }

    WORKER = "worker" by "id" {
        "ID" "id" Exact; "STATE" "state" State; "BUSY" "busy" Number; "SLOTS" "slots" Number; "QUEUES" "queues" Text;
        "KINDS" "kinds" Text wide; "HOST" "host" Text wide; "PID" "pid" Number wide; "VERSION" "version" Text wide;
        "STARTED" "started_at" Time; "HEARTBEAT" "heartbeat_age_ms" Millis; "REASON" "reason" Text;
    }

    /// An attempt that a worker is running.
    RUNNING_EXECUTION = "execution" by "id" {
        "JOB" "job_id" Exact; "KIND" "kind" Text; "QUEUE" "queue" Text; "ATTEMPT" "attempt" Number;
        "CLAIMED" "claimed_at" Time; "EXECUTION" "id" Exact wide;
    }

    SCHEDULE = "schedule" by "name" {
        "NAME" "name" Exact; "STATE" "state" State; "WHEN" "words" Text; "EXPRESSION" "expression" Text wide;
        "NEXT" "next_at" Time; "LAST" "last_at" Time; "MISFIRE" "misfire" Text wide; "OVERLAP" "overlap" Text wide;
        "ACTOR" "actor" Text wide;
    }

    TICK = "tick" by "id" {
        "DUE" "due_at" Time; "CAUSE" "cause" Text; "OUTCOME" "outcome" State; "JOB" "job_id" Exact;
        "STATE" "job_state" State; "WORKFLOW" "workflow_id" Exact; "STATE" "workflow_state" State wide;
        "PROJECT" "project_id" Exact wide; "REASON" "reason" Text;
    }

    DUE_TIME = "due" by "at" {
        "DUE" "at" Exact; "IN" "at" Time; "LOCAL" "local" Exact; "OFFSET" "offset" Exact; "NOTE" "note" Text;
    }

    WORKFLOW = "workflow" by "id" {
        "ID" "id" Exact; "NAME" "name" Text; "STATE" "state" State; "DONE" "progress" Percent;
        "STEPS" "steps.total" Number; "ACTIVE" "steps.active" Number; "FAILED" "steps.failed" Number;
        "BLOCKED" "steps.blocked" Number wide; "WAITING" "steps.waiting" Number wide; "TENANT" "tenant" Text wide;
        "CREATED" "created_at" Time; "FINISHED" "finished_at" Time wide;
    }

    /// Dead letters with the same kind and error.
    DEAD_LETTER_GROUP = "group" by "example_id" {
        "JOBS" "n" Number; "KIND" "kind" Text; "FIRST" "first_at" Time; "LAST" "last_at" Time;
        "EXAMPLE" "example_id" Exact; "ERROR" "error" Text;
    }

    LIMIT = "limit" by "name" {
        "NAME" "name" Exact; "SCOPE" "scope" Text; "VALUE" "value" Text; "MODE" "mode" Text; "LIMIT" "limit" Number;
        "WINDOW S" "window_s" Number; "BURST" "burst" Number wide; "ACTIVE" "active" Number;
        "TOKENS" "tokens" Number wide; "THROTTLED" "held_back" Number; "ENABLED" "enabled" Text wide;
        "ACTOR" "actor" Text wide; "UPDATED" "updated_at" Time wide;
    }

    SCHEMA = "schema" by "kind" {
        "KIND" "kind" Exact; "VERSION" "version" Number; "ACTOR" "actor" Text; "CREATED" "created_at" Time;
        "SCHEMA" "schema" Text wide;
    }

    /// Throughput and durations of one kind in one queue.
    STATISTICS = "kind" by "kind" {
        "QUEUE" "queue" Text; "KIND" "kind" Text; "WAITING" "waiting" Number; "ACTIVE" "in_flight" Number;
        "DEAD" "failed" Number; "ENQUEUED" "enqueued" Number; "COMPLETED" "completed" Number;
        "FAILURES" "failures" Number; "TIMEOUTS" "timeouts" Number wide; "CANCELED" "canceled" Number wide;
        "P50" "duration.p50_ms" Millis; "P95" "duration.p95_ms" Millis; "P99" "duration.p99_ms" Millis wide;
        "WAIT P95" "wait.p95_ms" Millis;
    }

    SERVER = "server" by "address" { "STATUS" "status" State; }

    DASHBOARD_PAGE = "page" by "url" { "URL" "url" Exact; }

    END_TO_END_REPORT = "end2end" by "tag" {
        "JOBS" "jobs" Number; "COMPLETED" "completed" Number; "FAILED" "failed" Number; "LEFT" "left" Number;
        "ENQUEUE TIME" "enqueue_ms" Millis; "TOTAL TIME" "total_ms" Millis; "P50" "p50_ms" Millis;
        "P95" "p95_ms" Millis;
    }

    /// The request that `--dry-run` prints.
    REQUEST = "request" by "path" {}

    SETTING = "setting" by "name" { "NAME" "name" Exact; "VALUE" "value" Text; "SOURCE" "source" Text; }

    INVARIANT = "invariant" by "name" { "NAME" "name" Exact; "OK" "ok" Text; }

    KEY = "key" by "key" { "KEY" "key" Exact; "STATUS" "status" State; "SECRETS" "secrets" Number; }

    ROTATED_KEY = "key" by "key" { "KEY" "key" Exact; "MOVED" "moved" Number; "UNREADABLE" "unreadable" Number; }

    DATABASE_SCHEMA = "schema" by "version" {}

    MIGRATION = "migration" by "name" { "NAME" "name" Exact; }

    VERSION = "version" by "version" { "VERSION" "version" Exact; }

    COMPLETION_SCRIPT = "completion" by "shell" { "SHELL" "shell" Exact; }

    EXIT_CODE = "exit-code" by "code" { "CODE" "code" Exact; "MEANING" "meaning" Text; }

    MAN_PAGE = "page" by "path" { "PATH" "path" Exact; }
}
