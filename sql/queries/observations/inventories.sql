-- List the clusters that are searched.
SELECT cluster, due_at, taken_at, tried_at, error FROM inventories ORDER BY cluster
