-- How many jobs pgbench has drained.
SELECT count(*) FROM ceiling.jobs_finished
