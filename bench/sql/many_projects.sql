-- Ready projects, numbered from one number to another, with their counters.
INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, created_at, updated_at, deadline_at)
SELECT lpad(to_hex(i), 32, '0')::uuid, 'ready', 'project ' || i, 'simulated', '{}', '{}', at, at, at, NULL
FROM generate_series($1::bigint, $2::bigint) AS i
CROSS JOIN LATERAL (SELECT clock_timestamp() - interval '1 day' + i * interval '1 millisecond') AS past (at)
