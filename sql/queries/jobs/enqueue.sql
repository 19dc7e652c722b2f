-- Here is work to do, one job or many: all of them, or none. Whether it comes by HTTP or by SQL, it goes this way: see
-- enqueue_jobs in the migrations.
-- $1 jobs (JSON)  $2 actor  $3 request id  $4 ring?
SELECT place, job_id, is_new, due_at, born_at, rung FROM enqueue_jobs($1::text::json, $2, $3, $4) ORDER BY place
