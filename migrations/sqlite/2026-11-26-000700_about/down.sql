DROP INDEX webhook_events_about;
ALTER TABLE webhook_events DROP COLUMN about;
