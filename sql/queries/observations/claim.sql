-- Claim ready and paused projects whose next look is due. Another look follows after the interval, whatever becomes of this one.
-- $1 max rows  $2 interval (s)  $3 provisioner  $4 queues that this process serves, {*} for all
-- $5 templates that it cannot look at  $6 their versions  $7 only looks that were due at this time, or null for now
WITH claimed AS (
    UPDATE projects p SET observe_after = clock_timestamp() + $2::float8 * interval '1 second'
    WHERE p.id = ANY (ARRAY(
        SELECT d.id FROM projects d
        WHERE d.observe_after <= (SELECT coalesce($7::timestamptz, clock_timestamp())) AND d.status IN ('ready', 'paused')
          AND ('*' = ANY ($4::text[]) OR d.queue = ANY ($4))
          AND coalesce((SELECT t.provisioner FROM templates t WHERE t.name = d.template AND t.version = d.template_version), d.template) = $3
          AND NOT EXISTS (SELECT FROM unnest($5::text[], $6::integer[]) AS b (name, version) WHERE (b.name, b.version) = (d.template, d.template_version))
        ORDER BY d.observe_after LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING p.*
)
SELECT c.id, c.version, c.status, operation_payload(ROW(c.*)::projects)::text AS payload, clock_timestamp() AS at FROM claimed c
