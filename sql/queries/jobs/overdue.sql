-- Is there anything that the passing of time alone has to move? Asked often, so that the statements that do it run only
-- when there is something to do.
-- $1 grace after a cancel (s)  $2 grace after a timeout (s)
SELECT EXISTS (SELECT FROM jobs WHERE state = 'active'
               AND (lease_until < at OR cancel_requested_at < at - $1::float8 * interval '1 second'
                    OR timeout_at < at - $2::float8 * interval '1 second')) AS executions,
       EXISTS (SELECT FROM projects WHERE deadline_at < at) AS projects,
       EXISTS (SELECT FROM jobs WHERE deadline_at < at AND deadline_at IS NOT NULL AND finished_at IS NULL) AS jobs
FROM (SELECT clock_timestamp() AS at) AS clock
