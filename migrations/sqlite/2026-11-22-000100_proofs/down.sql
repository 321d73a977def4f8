ALTER TABLE web_sessions DROP COLUMN proven_at;
