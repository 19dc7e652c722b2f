-- Rows that every database starts with.
INSERT INTO queues (name, actor) VALUES ('default', 'provost');
INSERT INTO events (entity, entity_name, previous_state, new_state, actor) VALUES ('queue', 'default', 'none', 'active', 'provost');
INSERT INTO retention (class)
VALUES ('completed'), ('failed'), ('superseded'), ('canceled'), ('executions'), ('events'), ('statistics'), ('keys'), ('workers'), ('ticks'), ('workflows'), ('logs');
INSERT INTO installation DEFAULT VALUES;
