-- Whether the database holds jobs of other kinds.
SELECT count(*) AS n FROM (SELECT FROM jobs WHERE kind <> 'bench' LIMIT 1) AS stranger
