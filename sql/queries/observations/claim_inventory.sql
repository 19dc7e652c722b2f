-- Claim the search of a cluster if it is due. Returns a row if so.
-- $1 cluster  $2 interval (s)
INSERT INTO inventories AS i (cluster, due_at) VALUES ($1, clock_timestamp() + $2::float8 * interval '1 second')
ON CONFLICT (cluster) DO UPDATE SET due_at = excluded.due_at WHERE i.due_at <= clock_timestamp()
RETURNING clock_timestamp() AS at, (SELECT id::text FROM installation) AS installation
