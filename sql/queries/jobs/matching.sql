-- List the jobs that match, oldest first, for bulk actions.
-- $1 state  $2 kind  $3 queue  $4 tenant  $5 tag  $6 project  $7 pattern of the error  $8 start of the id  $9 created since
-- $10 created before: each null for any
-- $11 max rows  $12 ids above this one, or null  $13 allowed states
SELECT j.id, j.kind
FROM jobs j
WHERE ($1::text IS NULL OR j.state = $1)
  AND ($2::text IS NULL OR j.kind = $2) AND ($3::text IS NULL OR j.queue = $3) AND ($4::text IS NULL OR j.tenant = $4)
  AND ($5::text IS NULL OR j.tags @> ARRAY[$5] AND j.tags <> '{}') AND ($6::uuid IS NULL OR j.project_id = $6)
  AND ($7::text IS NULL OR j.error ~ $7)
  AND ($8::text IS NULL OR starts_with(j.id::text, lower($8)))
  AND ($9::timestamptz IS NULL OR j.created_at >= $9) AND ($10::timestamptz IS NULL OR j.created_at < $10)
  AND j.state = ANY ($13::text[]) AND ($12::uuid IS NULL OR j.id > $12)
ORDER BY j.id
LIMIT $11
