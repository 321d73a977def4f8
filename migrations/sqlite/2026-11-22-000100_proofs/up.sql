-- When the holder of a session last proved that it is them, beyond the password.
ALTER TABLE web_sessions ADD COLUMN proven_at INTEGER;
