-- Claim ready and paused projects whose next look is due. Another look follows after the interval, whatever becomes of this one.
-- $1 max rows  $2 interval (s)  $3 provisioners of this process
WITH claimed AS (
    UPDATE projects p SET observe_after = clock_timestamp() + $2::float8 * interval '1 second'
    WHERE p.id = ANY (ARRAY(
        SELECT d.id FROM projects d
        WHERE d.observe_after <= (SELECT clock_timestamp()) AND d.status IN ('ready', 'paused')
          AND coalesce((SELECT t.provisioner FROM templates t WHERE t.name = d.template AND t.version = d.template_version), d.template) = ANY ($3::text[])
        ORDER BY d.observe_after LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING p.*
)
SELECT c.id, c.version, c.status, operation_payload(ROW(c.*)::projects)::text AS payload FROM claimed c
