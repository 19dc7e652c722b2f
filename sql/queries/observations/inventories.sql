-- List the clusters that are searched.
SELECT cluster, due_at, taken_at, error FROM inventories ORDER BY cluster
