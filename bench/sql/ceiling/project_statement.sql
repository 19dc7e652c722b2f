-- The statement behind POST /projects.
SELECT id, status, version FROM provost.ask_for_project(provost.uuid_v7(), provost.uuid_v7(), 'bench', 'simulated', '{}', '{}', 600, 3, 'bench', NULL, false, NULL, NULL);
