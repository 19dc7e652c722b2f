-- As whom, and where, a session works.
SELECT current_user::text AS role, session_user::text AS login, current_database()::text AS database
